"""Connections that end, or that nothing comes over."""

from typing import TYPE_CHECKING

from gio_pandas.sandbox.faults.kind import Kind

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Call


async def _drop(call: "Call") -> None:
    call.play()
    await call.end()


async def _lose_answer(call: "Call") -> None:
    await call.carry_out()
    call.play()
    await call.end()


async def _reset(call: "Call") -> None:
    call.play()
    await call.end(reset=True)


async def _stall(call: "Call") -> None:
    call.play()
    await call.pause(call.seconds)
    await call.end()


async def _slow(call: "Call") -> None:
    call.play()
    await call.pause(call.seconds)
    await call.pass_on()


async def _restart(call: "Call") -> None:
    if call.hit:
        call.memory.setdefault("until", call.now() + call.seconds)
    if call.now() >= call.memory.get("until", 0):
        await call.pass_on()
        return
    call.play()
    status = call.turn.fault.parameter("status")
    if status is None:
        await call.end()
    else:
        await call.answer(int(status))


KINDS = (
    Kind("drop", "The connection ends without an answer; nothing was done.", _drop),
    Kind(
        "lose_answer",
        "The request is carried out (a submit does start a job), and no answer comes.",
        _lose_answer,
        step="submit",
    ),
    Kind("reset", "The connection is reset (RST); nothing was done.", _reset),
    Kind(
        "stall",
        "No answer for some seconds, then the connection ends; nothing was done.",
        _stall,
        takes={"seconds": 30.0},
    ),
    Kind("slow", "The answer comes some seconds late.", _slow, takes={"seconds": 2.0}),
    Kind(
        "restart",
        "From then on, for some seconds, every request is dropped, or answered with status=503.",
        _restart,
        takes={"seconds": 3.0, "status": None},
        watches=True,
    ),
)
