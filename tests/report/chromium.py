"""Headless Chromium, spoken to over the two pipes that it offers: no driver, no package, no network."""

import base64
import json
import os
import shutil
import subprocess
import time

COMMAND = shutil.which("chromium") or shutil.which("chromium-browser")
_SECONDS = 60  # for any answer


class Chromium:
    """A page in headless Chromium.

    Args:
        url: str.
        width, height: int, pixels of the window.
        folder: path, for the browser's own files.
    """

    def __init__(self, url, width, height, folder):
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        self.numbers, self.left = iter(range(1, 10_000)), b""
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={folder}"]

        pipes = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'  # the browser reads from 3 and writes to 4
        self.process = subprocess.Popen(
            ["bash", "-c", pipes, "bash", COMMAND, *flags, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.reader, self.writer = ours_in, ours_out
        os.set_blocking(self.reader, False)
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Page.enable")
        self.call("Page.navigate", url=url)
        end = time.monotonic() + _SECONDS
        while self.value("document.readyState") != "complete" or self.value("location.href") == "about:blank":
            assert time.monotonic() < end
            time.sleep(0.05)

    def call(self, method, **parameters):
        """Returns the result of a command of the browser's protocol."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _SECONDS
        while True:
            answer = self._answer(end)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _answer(self, end):
        while b"\0" not in self.left:
            assert time.monotonic() < end, "no answer from Chromium"
            try:
                self.left += os.read(self.reader, 2**20)
            except BlockingIOError:
                time.sleep(0.01)
        one, self.left = self.left.split(b"\0", 1)
        return json.loads(one)

    def value(self, expression):
        """Returns what an expression of the page's script is."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def point_at(self, selector):
        """Moves the mouse onto the middle of the first element of a selector."""
        self.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        box = f"(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector({selector!r}).getBoundingClientRect())"
        x, y = self.value(box)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self):
        """Returns the bytes of a PNG of the window."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.reader)
        os.close(self.writer)
