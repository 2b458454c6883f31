"""What a gateway in front of the platform does in its place."""

from typing import TYPE_CHECKING

from gio_pandas.sandbox.faults.kind import Kind

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Call

LOGIN = "/login"
ROUND = "/redirected/"
HTML = {"content-type": "text/html; charset=utf-8"}
LOGIN_PAGE = """\
<!DOCTYPE html>
<html><head><title>登录</title></head><body><form>账号 <input name="user"></form></body></html>
""".encode()


async def _login_page(call: "Call") -> None:
    call.play()
    await call.answer(200, LOGIN_PAGE, HTML)


async def _login_redirect(call: "Call") -> None:
    if call.hit:
        call.play()
        await call.answer(302, headers={"location": f"{call.prefix}{LOGIN}"})
    elif call.path == LOGIN:
        await call.answer(200, LOGIN_PAGE, HTML)
    else:
        await call.pass_on()


async def _redirect_elsewhere(call: "Call") -> None:
    call.play()
    query: str = call.scope["query_string"].decode()
    await call.answer(302, headers={"location": f"{call.url}?{query}".rstrip("?")})


async def _endless_redirects(call: "Call") -> None:
    number = call.path.removeprefix(ROUND) if call.path.startswith(ROUND) else ""
    if not call.hit and not number.isdecimal():
        await call.pass_on()
        return
    if call.hit:
        call.play()
    await call.answer(302, headers={"location": f"{call.prefix}{ROUND}{int(number or 0) + 1}"})


async def _timeout_page(call: "Call") -> None:
    await call.carry_out()
    call.play()
    await call.answer(504, b"<html><body><h1>504 Gateway Time-out</h1></body></html>", HTML)


KINDS = (
    Kind("login_page", "A login page in HTML with status 200; nothing was done.", _login_page),
    Kind(
        "login_redirect",
        "A redirect to a login page of the same origin; nothing was done.",
        _login_redirect,
        watches=True,
    ),
    Kind(
        "redirect_elsewhere",
        "A redirect to url=, an address elsewhere, with the same query; nothing was done.",
        _redirect_elsewhere,
        step="download",
        takes={"url": None},
    ),
    Kind(
        "endless_redirects",
        "Redirects without an end on the same origin; nothing was done.",
        _endless_redirects,
        step="download",
        watches=True,
    ),
    Kind(
        "timeout_page",
        "The request is carried out (a submit does start a job), and a gateway answers 504.",
        _timeout_page,
        step="submit",
    ),
)
