"""The same answers as a bare ASGI application under uvicorn, without a framework, a second process or a contract."""

import os
import sys

import uvicorn


async def app(scope, receive, send):
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message["body"])
        more = message["more_body"]
    body = b"".join(parts)
    answer = body if os.environ["BENCH_PROGRAM"] == "echo" else b"%d" % len(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


uvicorn.run(app, port=int(sys.argv[1]), access_log=False, lifespan="off", http="httptools", loop="uvloop")
