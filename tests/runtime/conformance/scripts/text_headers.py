def init():
    pass


def run(request_headers, body):
    shown = {name: value for name, value in request_headers.items() if name != "Host"}
    return {"headers": shown, "body": body, "type": type(request_headers).__name__}
