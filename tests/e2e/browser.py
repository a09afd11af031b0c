"""Debian's Chromium without a window, driven through its own driver, and what the tests ask of a page in it."""

from __future__ import annotations

import base64
import os
import re
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""The folder for a picture of every page that is opened, if wanted."""
_LONGEST_PICTURE = 6000
# For each text that can be seen: its contrast with the ground that it stands on (WCAG 2.2, 1.4.3).
_CONTRASTS = """
const parts = color => color.match(/[\\d.]+/g).map(Number);
const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
const ground = element => {
  for (; element; element = element.parentElement) {
    const found = parts(getComputedStyle(element).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const results = [];
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || element.closest("svg") || !element.getClientRects().length) continue;
  const [light, dark] = [parts(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => b - a);
  results.push([texts.currentNode.data.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)]);
}
return results;
"""


class Browser:
    """One window; leaving the block closes it. `hosts` maps names to ports of this machine, there are no others."""

    def __init__(self, folder: Path, hosts: dict[str, int]) -> None:
        assert CHROMIUM
        assert DRIVER
        options = Options()
        options.binary_location = CHROMIUM
        known = [f"MAP {name} 127.0.0.1:{port}" for name, port in hosts.items()]
        rules = ", ".join([*known, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"])
        for argument in (
            "--headless=new",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--no-proxy-server",
            "--hide-scrollbars",
            "--ignore-certificate-errors",
            f"--host-resolver-rules={rules}",
            # Chromium refuses to run as root otherwise, which is who runs things in a container.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.downloads = folder
        self.driver = Chrome(options=options, service=Service(DRIVER))
        self._devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.driver.quit()

    def _devtools(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, address: str, *, width: int = 1280, scheme: str = "light", media: str = "", name: str = "") -> None:
        """Go to a page on a screen of this width and colour scheme; pictures that are further down come too."""
        self._devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        # Scrolling at once, or the driver would click where a link was before.
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": feature, "value": value} for feature, value in wanted.items()]
        self._devtools("Emulation.setEmulatedMedia", media=media, features=features)
        self.driver.get(address)
        if SCREENSHOTS and name:
            self._picture(Path(SCREENSHOTS) / f"{name}-{width}-{scheme}.png", width)

    def _picture(self, file: Path, width: int) -> None:
        height = min(self.ask("return document.documentElement.scrollHeight"), _LONGEST_PICTURE)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        found = self._devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(found["data"]))

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a script answers about the page, past its policy."""
        return self.driver.execute_script(script, *arguments)

    def complaints(self, awaited: int = 0, seconds: float = 60) -> list[str]:
        """What the browser has said about the pages since it was asked last: policies, scripts, what did not load.

        It may say so later than it shows the page; where there is something to come, wait for so many.
        """
        deadline = time.monotonic() + seconds
        found: list[str] = []
        while True:
            found += [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
            if len(found) >= awaited or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def faint(self) -> list[str]:
        """Texts whose contrast is below 4.5 to 1."""
        return [f"{text!r}: {ratio:.2f}" for text, ratio in self.ask(_CONTRASTS) if ratio < 4.5]

    def ground(self) -> list[int]:
        """Red, green and blue of the page's background."""
        color = self.ask("return getComputedStyle(document.body).backgroundColor")
        return [int(part) for part in re.findall(r"\d+", color)]

    def wait_for(self, script: str, seconds: float = 60) -> None:
        """Wait until a script answers with something true."""
        deadline = time.monotonic() + seconds
        while not self.ask(script):
            assert time.monotonic() < deadline, script
            time.sleep(0.02)

    def picture_of(self, selector: str) -> bytes:
        """What is seen of an element but for its rim, once the page is shown as it is now."""
        self.ask("painted = 0; requestAnimationFrame(() => requestAnimationFrame(() => { painted = 1 }))")
        self.wait_for("return painted")
        box = self.ask(f"return document.querySelector({selector!r}).getBoundingClientRect().toJSON()")
        left, top = self.ask("return [scrollX, scrollY]")
        # Corners are smoothed in another way where something lies below them that is not seen.
        clip = {"x": box["x"] + left + 4, "y": box["y"] + top + 4, "scale": 1}
        clip |= {"width": box["width"] - 8, "height": box["height"] - 8}
        found = self._devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(found["data"])

    def downloaded(self, seconds: float = 60) -> Path:
        """The one file that has come, taken out of the folder of downloads."""
        deadline = time.monotonic() + seconds
        while True:
            files = list(self.downloads.iterdir())
            # While it comes it has another name, first a hidden one.
            if files and not any(file.suffix == ".crdownload" or file.name.startswith(".") for file in files):
                [file] = files
                return file.rename(self.downloads.parent / file.name)
            assert time.monotonic() < deadline, "nothing was downloaded"
            time.sleep(0.02)
