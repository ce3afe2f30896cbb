"""The S3 API's clients: boto3, and requests of any kind that botocore signs.

Reads one call a line, as JSON, and answers each with one line:

    {"call": "put_bucket_notification_configuration", "arguments": {...}, ...}
    {"method": "PUT", "path": "/photos", "query": "notification", "headers": {}, "body": "...",
     "signed": "header" | "query" | "no", "payload": "signed" | "unsigned", "clock": SECONDS, ...}

Both take "url", "access_key", "secret_key"; the first also "addressing" (path or virtual) and
"authority", a file of certificates to trust. The answer has the status, the headers, the body, the
elements of an error document in order, and what boto3 made of it. One process answers many calls, for importing boto3 takes half a second.
"""

import datetime
import http.client
import json
import socket
import sys
import traceback
import urllib.parse
import xml.etree.ElementTree as ElementTree

import boto3
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

REGION = "us-east-1"

resolve = socket.getaddrinfo


def resolve_test_domain(host, *rest, **named):
    """Names below .test do not exist; here they are this machine."""
    return resolve("127.0.0.1" if str(host).endswith(".test") else host, *rest, **named)


socket.getaddrinfo = resolve_test_domain


class UnsignedPayload(botocore.auth.S3SigV4Auth):
    """Signs the headers alone, as clients do that stream."""

    def _should_sha256_sign_payload(self, request):
        return False


def answer(status, headers, body, result=None):
    error = []
    if status >= 300 and body:
        error = [[element.tag, element.text or ""] for element in ElementTree.fromstring(body)]
    headers = {name.lower(): value for name, value in headers.items()}
    text = body.decode()
    return {"status": status, "headers": headers, "body": text, "error": error, "result": result}


clients = {}


def client_for(call):
    """A client with these credentials; making one takes a while, so they are kept."""
    key = tuple(call[name] for name in ("url", "access_key", "secret_key", "addressing", "authority"))
    if key not in clients:
        clients[key] = boto3.client(
            "s3",
            endpoint_url=call["url"],
            region_name=REGION,
            aws_access_key_id=call["access_key"],
            aws_secret_access_key=call["secret_key"],
            verify=call["authority"],
            config=Config(
                retries={"total_max_attempts": 1},
                parameter_validation=False,
                s3={"addressing_style": call["addressing"]},
            ),
        )
    return clients[key]


def with_boto3(call):
    """What boto3 gets, beside what was on the wire."""
    client = client_for(call)
    wire = {}
    client.meta.events.register(
        "before-parse.s3", lambda response_dict, **_: wire.update(response_dict), unique_id="wire"
    )
    try:
        result = getattr(client, call["call"])(**call["arguments"])
        del result["ResponseMetadata"]
    except ClientError as error:
        result = {"raised": error.response["Error"]}
    client.meta.events.unregister("before-parse.s3", unique_id="wire")
    return answer(wire["status_code"], wire["headers"], wire["body"], result)


def raw(call):
    """Sends any request; its signature is botocore's, its clock may be wrong."""
    url = call["url"] + call["path"] + (f"?{call['query']}" if call["query"] else "")
    # botocore takes the body of a presigned request for a form, and moves it into the query.
    signed_body = b"" if call["signed"] == "query" else call["body"].encode()
    headers = dict(call["headers"])
    request = AWSRequest(call["method"], url, headers=headers, data=signed_body)
    credentials = Credentials(call["access_key"], call["secret_key"])
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    now += datetime.timedelta(seconds=call["clock"])
    botocore.auth.get_current_datetime = lambda *_, **__: now
    if call["signed"] == "query":
        botocore.auth.S3SigV4QueryAuth(credentials, "s3", REGION, 60).add_auth(request)
    elif call["signed"] == "header":
        unsigned = call["payload"] == "unsigned"
        signer = UnsignedPayload if unsigned else botocore.auth.S3SigV4Auth
        signer(credentials, "s3", REGION).add_auth(request)
    prepared = request.prepare()
    target = urllib.parse.urlsplit(prepared.url)
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
    path = f"{target.path}?{target.query}" if target.query else target.path
    # The body that goes out may be another than was signed.
    sent = call["sent_body"].encode()
    prepared.headers["Content-Length"] = str(len(sent))
    connection.request(call["method"], path, body=sent, headers=dict(prepared.headers))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return answer(response.status, dict(response.getheaders()), body)


real_clock = botocore.auth.get_current_datetime
for line in sys.stdin:
    call = json.loads(line)
    botocore.auth.get_current_datetime = real_clock
    try:
        answered = with_boto3(call) if "call" in call else raw(call)
    except Exception:
        answered = {"failed": traceback.format_exc()}
    # The deprecated form has room for one event; of several, botocore shows an XML element.
    print(json.dumps(answered, default=repr), flush=True)
