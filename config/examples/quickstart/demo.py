"""Sets up the four destinations in moto, runs fanfare, posts three events, prints four messages.

Run it with `config/examples/quickstart/run`, which builds fanfare and installs moto first.
"""

import base64
import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
FANFARE = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "fanfare"
CAPTURES = REPOSITORY / "tests" / "data" / "captures"
TIMEOUT_SECONDS = 60

# What RustFS 1.0.0-beta.7 posted when an object was uploaded, copied and deleted.
EVENTS = {
    "an upload": "rustfs-1.0.0-beta.7-ObjectCreated_Put.json",
    "a copy": "rustfs-1.0.0-beta.7-ObjectCreated_Copy.json",
    "a deletion": "rustfs-1.0.0-beta.7-ObjectRemoved_Delete.json",
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def say(text):
    print(text, flush=True)


def free_ports(count):
    """Ports that nothing listens on, below those that outgoing connections use."""
    ports = []
    while len(ports) < count:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
    return ports


@contextlib.contextmanager
def running(name, command, log, **environment):
    """A process for the time of a `with` block. Its output goes to a log, shown if it fails."""
    with open(log, "w+") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            env=os.environ | ENVIRONMENT | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        except (Exception, SystemExit):
            output.seek(0)
            say(f"== the log of {name}\n{output.read()}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(what, process, ask):
    """Asks until there is an answer, as long as the process that should give it runs."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{process.args[3]} ended by itself; still waited for: {what}")
        with contextlib.suppress(OSError):
            if answer := ask():
                return answer
        time.sleep(0.05)
    sys.exit(f"waited {TIMEOUT_SECONDS} s in vain for {what}")


def request(url, body=None):
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return answer.read().decode()


class Aws:
    """The destinations of photos.json, in moto."""

    def __init__(self, url):
        self.url = url
        # moto runs functions in Docker; without it, it takes invocations and records them.
        request(f"{url}/moto-api/config", json.dumps({"lambda": {"use_docker": False}}).encode())
        session = boto3.Session("test", "test", region_name="us-east-1")
        sns, functions, bus, iam, self.sqs = (
            session.client(service, endpoint_url=url)
            for service in ("sns", "lambda", "events", "iam", "sqs")
        )
        self.queue("uploads")
        topic = sns.create_topic(Name="copies")["TopicArn"]
        subscriber = self.queue("subscriber-of-copies")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=subscriber)
        role = iam.create_role(RoleName="lambda", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        zipfile.ZipFile(code, "w").close()
        functions.create_function(
            FunctionName="deletions",
            Runtime="python3.13",
            Handler="main.handler",
            Role=role,
            Code={"ZipFile": code.getvalue()},
        )
        bus.put_rule(Name="everything", EventPattern=json.dumps({"source": ["fanfare.s3"]}))
        target = {"Id": "queue", "Arn": self.queue("target-of-the-bus")}
        bus.put_targets(Rule="everything", Targets=[target])

    def queue(self, name):
        self.sqs.create_queue(QueueName=name)
        return f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def message(self, queue):
        """The next message of a queue, if there is one."""
        url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages")
        return messages and json.loads(messages[0]["Body"])

    def notification(self):
        """What SNS sent on, without its signature, and with the record in it readable."""
        if not (envelope := self.message("subscriber-of-copies")):
            return None
        shown = {name: envelope[name] for name in ("Type", "TopicArn", "Subject")}
        return shown | {"Message": json.loads(envelope["Message"])}

    def invocation(self):
        """The payload that the function was invoked with, as moto recorded it."""
        recorded = request(f"{self.url}/moto-api/recorder/download-recording")
        decoder = json.JSONDecoder()
        while recorded := recorded.lstrip():
            sent, end = decoder.raw_decode(recorded)
            recorded = recorded[end:]
            if sent["url"].endswith("/invocations"):
                return json.loads(base64.b64decode(sent["body"]))
        return None


def write_settings(work, moto_port):
    """Fills in the templates beside this file; returns the settings file and fanfare's ports."""
    events, s3, admin = free_ports(3)
    settings = (HERE / "fanfare.toml").read_text()
    for word, value in {
        "EVENTS_PORT": events,
        "S3_PORT": s3,
        "ADMIN_PORT": admin,
        "MOTO_PORT": moto_port,
        "WORK_DIR": work,
    }.items():
        settings = settings.replace(word, str(value))
    (work / "fanfare.toml").write_text(settings)
    for directory in ("notifications", "journal"):
        (work / directory).mkdir()
    (work / "notifications" / "photos.json").write_text((HERE / "photos.json").read_text())
    return work / "fanfare.toml", events, admin


def show(heading, message):
    say(f"\n== {heading}\n{json.dumps(message, indent=2, ensure_ascii=False)}")


def demo(work):
    (moto_port,) = free_ports(1)
    moto_url = f"http://127.0.0.1:{moto_port}"
    moto_command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(moto_port)]
    recording = {"MOTO_ENABLE_RECORDING": "true", "MOTO_RECORDER_FILEPATH": str(work / "recorded")}
    with running("moto", moto_command, work / "moto.log", **recording) as moto:
        wait_for("moto", moto, lambda: request(f"{moto_url}/moto-api/"))
        say(f"== moto plays AWS on {moto_url}")
        aws = Aws(moto_url)

        settings, events_port, admin_port = write_settings(work, moto_port)
        command = [FANFARE, "serve", "--config", settings]
        with running("fanfare", command, work / "fanfare.log") as fanfare:
            ready = f"http://127.0.0.1:{admin_port}/readyz"
            wait_for("fanfare", fanfare, lambda: request(ready))
            say(f"== fanfare takes events on http://127.0.0.1:{events_port}")

            for what, capture in EVENTS.items():
                body = json.dumps(json.loads((CAPTURES / capture).read_text())["body"])
                answer = request(f"http://127.0.0.1:{events_port}/", body.encode())
                say(f"   posted {what}: fanfare answered {answer.strip()}")

            show(
                "SQS: the queue `uploads` has",
                wait_for("the message in the queue", fanfare, lambda: aws.message("uploads")),
            )
            show(
                "SNS: the subscriber of the topic `copies` got",
                wait_for("the notification", fanfare, aws.notification),
            )
            show(
                "Lambda: the function `deletions` was invoked with",
                wait_for("the invocation", fanfare, aws.invocation),
            )
            show(
                "EventBridge: a rule on the default bus forwarded (one of three)",
                wait_for("the event on the bus", fanfare, lambda: aws.message("target-of-the-bus")),
            )
    say("\n== done; moto and fanfare are stopped")


if __name__ == "__main__":
    # A terminal's Ctrl-C and a service manager's SIGTERM both leave through the `with` blocks.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="fanfare-quickstart-") as directory:
        demo(Path(directory))
