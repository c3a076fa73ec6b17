import os
import signal
import sys
import threading


def init():
    pass


def run(raw_data):
    root = os.environ["AML_APP_ROOT"]
    return {
        "main thread": threading.current_thread() is threading.main_thread(),
        "name": __name__,
        "file": os.path.basename(__file__),
        "app root importable": root in sys.path,
        "source importable": os.path.join(root, "scripts") in sys.path,
        "model dir": os.environ.get("AZUREML_MODEL_DIR"),
        "script": os.path.basename(os.environ["AZUREML_ENTRY_SCRIPT"]),
        "cwd": os.getcwd() == root,
        "can set a signal": bool(signal.signal(signal.SIGALRM, signal.SIG_DFL) or True),
        "path order": sys.path.index(root) < [at for at, entry in enumerate(sys.path) if "site-packages" in entry][0],
    }
