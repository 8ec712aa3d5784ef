"""A small site on Starlette, behind Mangum. Mangum gathers streams: Python's client has no streamed answers."""
import asyncio
import hashlib
import pathlib

from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

PAGE = pathlib.Path(__file__).with_name("page.mjs").read_text().split("`")[1]


async def home(request):
    return HTMLResponse(PAGE)


async def query(request):
    tags = [tag for value in request.query_params.getlist("tag") for tag in value.split(",")]
    return JSONResponse({"tag": tags, "text": request.query_params.get("text")})


async def form(request):
    fields = await request.form()
    return PlainTextResponse(f"{fields['name']} from {fields['city']}")


async def login(request):
    response = PlainTextResponse("in")
    response.set_cookie("session", "a%20b", httponly=True)
    response.set_cookie("theme", "dark")
    return response


async def cookies(request):
    return JSONResponse({name: value.replace("%20", " ") for name, value in request.cookies.items()})


async def old(request):
    return RedirectResponse("/query?text=moved", 303)


async def upload(request):
    file = (await request.form())["file"]
    content = await file.read()
    digest = hashlib.sha256(content).hexdigest()
    return JSONResponse({"name": file.filename, "bytes": len(content), "sha256": digest})


async def picture(request):
    return Response(bytes(range(256)), media_type="image/png")


async def events(request):
    async def write():
        for n in (1, 2, 3):
            yield f"data: event {n}\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(write(), media_type="text/event-stream")


app = Starlette(
    routes=[
        Route("/", home),
        Route("/query", query),
        Route("/form", form, methods=["POST"]),
        Route("/login", login),
        Route("/cookies", cookies),
        Route("/old", old),
        Route("/upload", upload, methods=["POST"]),
        Route("/picture", picture),
        Route("/events", events),
    ]
)
handler = Mangum(app, lifespan="off")
