"""Drives a real S3 store and says what it did, so that the test can compare what arrives.

usage: ceph.py RGW_URL WEBHOOK_URL BUCKET
Prints a JSON array: one object an operation that must notify, in order.
"""

import json
import sys

import boto3
from botocore.config import Config

NASTY = "dir one/ü+1 100%25 a%b.txt"
COPY = "copy of ü+1.txt"
BIG = "big one/100%+ü.bin"
# What Amazon writes for a delete marker.
EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
PART_BYTES = 5 * 1024 * 1024

rgw, webhook, bucket = sys.argv[1:]
credentials = dict(
    endpoint_url=rgw,
    region_name="default",
    aws_access_key_id="testak",
    aws_secret_access_key="testsk",
)
s3 = boto3.client(
    "s3",
    config=Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    ),
    **credentials,
)
sns = boto3.client("sns", **credentials)
happened = []


def expect(bucket, event, key, size=None, etag=None, version=None):
    happened.append(
        {
            "bucket": bucket,
            "event": event,
            "key": key,
            "size": size,
            "etag": etag and etag.strip('"'),
            "version": version,
        }
    )


def notify(name):
    topic = sns.create_topic(Name=f"to-fanfare-{name}", Attributes={"push-endpoint": webhook})
    s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "TopicConfigurations": [
                {
                    "Id": "everything",
                    "TopicArn": topic["TopicArn"],
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                }
            ]
        },
    )


def unversioned():
    s3.create_bucket(Bucket=bucket)
    notify(bucket)
    put = s3.put_object(Bucket=bucket, Key=NASTY, Body=b"hello", Metadata={"color": "red"})
    expect(bucket, "ObjectCreated:Put", NASTY, 5, put["ETag"])
    copied = s3.copy_object(Bucket=bucket, Key=COPY, CopySource={"Bucket": bucket, "Key": NASTY})
    expect(bucket, "ObjectCreated:Copy", COPY, 5, copied["CopyObjectResult"]["ETag"])
    upload = s3.create_multipart_upload(Bucket=bucket, Key=BIG)["UploadId"]
    parts = []
    for number, body in enumerate([b"x" * PART_BYTES, b"tail"], 1):
        part = s3.upload_part(
            Bucket=bucket, Key=BIG, UploadId=upload, PartNumber=number, Body=body
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    completed = s3.complete_multipart_upload(
        Bucket=bucket, Key=BIG, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    expect(bucket, "ObjectCreated:CompleteMultipartUpload", BIG, PART_BYTES + 4, completed["ETag"])
    # One by one: this gateway does not survive DeleteObjects on a bucket with a notification.
    for key in (NASTY, COPY, BIG):
        s3.delete_object(Bucket=bucket, Key=key)
        expect(bucket, "ObjectRemoved:Delete", key)


def versioned():
    name = f"{bucket}-versioned"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    notify(name)
    put = s3.put_object(Bucket=name, Key=NASTY, Body=b"v1")
    expect(name, "ObjectCreated:Put", NASTY, 2, put["ETag"], put["VersionId"])
    # RGW 16 does not say which version the marker is: its record has an empty `versionId`.
    s3.delete_object(Bucket=name, Key=NASTY)
    expect(name, "ObjectRemoved:DeleteMarkerCreated", NASTY, etag=EMPTY_ETAG)
    s3.delete_object(Bucket=name, Key=NASTY, VersionId=put["VersionId"])
    expect(name, "ObjectRemoved:Delete", NASTY, version=put["VersionId"])


unversioned()
versioned()
json.dump(happened, sys.stdout)
