"""A sampling profiler made of the standard library: `python -m bench.sampler OUT serve --port N` profiles monocoque.

Every few milliseconds of CPU time (as finely as the kernel's clock allows) comes a SIGPROF, and the stack of the main
thread is counted; time spent in C (the driver, orjson, the event loop) counts for the Python function that called it.
"""

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

INTERVAL_SECONDS = 0.001
TOP = 40


class Sampler:
    """Counts the stacks that go through the function `within`, from `start` to `stop`; outermost function first."""

    def __init__(self, within: str) -> None:
        self._within = within
        self.stacks: Counter[tuple[str, ...]] = Counter()
        self._handler_before: Any = signal.SIG_DFL

    def start(self) -> None:
        self._handler_before = signal.signal(signal.SIGPROF, self._sample)
        # A system call that the signal interrupts would fail in libraries that do not expect it.
        signal.siginterrupt(signal.SIGPROF, False)  # noqa: FBT003  the standard library's own signature
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._handler_before)

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        stack = tuple(_functions(frame))[::-1]
        if self._within in stack:
            self.stacks[stack] += 1

    def collapsed(self) -> str:
        """One line a stack, `outer;inner count`: the format that flame-graph tools read."""
        return "".join(f"{';'.join(stack)} {count}\n" for stack, count in self.stacks.most_common())

    def summary(self) -> str:
        """The functions that were on the processor most often, by themselves and with what they called, in per cent."""
        total = self.stacks.total() or 1
        own: Counter[str] = Counter()
        inclusive: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            own[stack[-1]] += count
            for function in set(stack):
                inclusive[function] += count
        lines = [f"{total} samples", "   own   with callees  function"]
        lines += [
            f"{count / total:6.1%} {inclusive[function] / total:14.1%}  {function}"
            for function, count in own.most_common(TOP)
        ]
        return "\n".join(lines) + "\n"


def _functions(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        code = frame.f_code
        yield f"{frame.f_globals.get('__name__', code.co_filename)}.{code.co_qualname}"
        frame = frame.f_back


def main() -> None:
    """Run `monocoque` with the arguments after OUT; write OUT.txt (functions) and OUT.folded (stacks) when it ends."""
    from monocoque.cli import main as monocoque  # noqa: PLC0415  the profile's own helpers need no application

    out = Path(sys.argv[1])
    sys.argv = ["monocoque", *sys.argv[2:]]
    # What happens before the server runs, imports above all, is no request's cost.
    sampler = Sampler(within="uvicorn.server.Server.run")
    sampler.start()
    try:
        monocoque()
    finally:
        sampler.stop()
        out.with_suffix(".txt").write_text(sampler.summary(), encoding="utf-8")
        out.with_suffix(".folded").write_text(sampler.collapsed(), encoding="utf-8")


if __name__ == "__main__":
    main()
