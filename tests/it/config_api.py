"""Asks for a bucket's notification configuration as boto3 does; prints what came, as JSON.

usage: config_api.py URL ACCESS_KEY SECRET_KEY BUCKET [EXPECTED_OWNER]
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, access_key, secret_key, bucket, *owner = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=url,
    region_name="us-east-1",
    aws_access_key_id=access_key,
    aws_secret_access_key=secret_key,
    config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
)
expected = {"ExpectedBucketOwner": owner[0]} if owner else {}
try:
    answer = s3.get_bucket_notification_configuration(Bucket=bucket, **expected)
    del answer["ResponseMetadata"]
except ClientError as error:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    answer = {"code": error.response["Error"]["Code"], "status": status}
print(json.dumps(answer))
