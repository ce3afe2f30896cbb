"""SQS, SNS and EventBridge on a port of loopback, as far as fanfare sends to them.

They take whatever comes, after a while, except what is sent to a destination that is told to be missing
or to hang.
"""

import http.server
import json
import random
import threading
import time
import urllib.parse

# How long a request takes, in seconds: the middle, and the spread of its logarithm.
LATENCY, SPREAD = 0.02, 0.5
HANG = 30


class Services(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Answer)
        self.missing, self.hanging = set(), set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """Whoever hangs is hung up on."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        match self.headers.get("x-amz-target", "").partition(".")[0]:
            case "AmazonSQS":
                self.sqs(json.loads(body))
            case "AWSEvents":
                self.event_bridge(json.loads(body))
            case _:
                self.sns(dict(urllib.parse.parse_qsl(body.decode())))

    def sqs(self, asked):
        name = asked["QueueUrl"].rpartition("/")[2]
        self.wait(name)
        if name in self.server.missing:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            words = {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}
            self.tell(400, json.dumps(words), {"x-amzn-query-error": f"{code};Sender"})
            return
        taken = [{"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "m"} for entry in asked["Entries"]]
        self.tell(200, json.dumps({"Successful": taken, "Failed": []}))

    def event_bridge(self, asked):
        self.wait("default")
        taken = [{"EventId": "e"} for _ in asked["Entries"]]
        self.tell(200, json.dumps({"FailedEntryCount": 0, "Entries": taken}))

    def sns(self, asked):
        self.wait(asked["TopicArn"].rpartition(":")[2])
        ids = [value for name, value in asked.items() if name.endswith(".Id")]
        taken = "".join(f"<member><Id>{it}</Id><MessageId>m</MessageId></member>" for it in ids)
        result = f"<PublishBatchResult><Successful>{taken}</Successful><Failed/></PublishBatchResult>"
        namespace = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'
        self.tell(200, f"<PublishBatchResponse {namespace}>{result}</PublishBatchResponse>")

    def wait(self, name):
        time.sleep(HANG if name in self.server.hanging else LATENCY * random.lognormvariate(0, SPREAD))

    def tell(self, status, text, headers=()):
        self.send_response(status)
        for name, value in dict(headers, **{"content-length": str(len(text))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Nobody reads it."""
