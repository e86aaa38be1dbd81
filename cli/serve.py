"""attnzoo serve: answer requests with an exported ONNX file, over HTTP and gRPC.

The server is MLServer, which speaks the Open Inference Protocol, as KServe and Triton do.
"""

import os
import sys

from .types import positive_integer


def add_arguments(parser):
    """Adds the arguments of `attnzoo serve`."""
    parser.add_argument("artefact", help="a folder of `attnzoo export`, or an ONNX file in it")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: this machine alone)"
    )
    parser.add_argument(
        "--port", type=positive_integer, default=8080, help="of HTTP (default: 8080)"
    )
    parser.add_argument(
        "--grpc-port", type=positive_integer, metavar="PORT", help="of gRPC (default: the next)"
    )
    parser.add_argument(
        "--python",
        metavar="PYTHON",
        help="interpreter that has mlserver and onnxruntime (default: that of the environment "
        "variable ATTNZOO_MLSERVER_PYTHON, else this one)",
    )


def run(arguments):
    """Prints how to ask the server and becomes it; Ctrl-C ends it."""
    from ..export.artefact import find
    from ..export.server import server_command
    from ..export.serving_files import ONNX_REQUEST, SERVING_FOLDER, request_file

    command = server_command(
        arguments.artefact,
        arguments.host,
        arguments.port,
        arguments.grpc_port,
        arguments.python,
    )
    artefact, name = find(arguments.artefact)
    url = f"http://{arguments.host}:{arguments.port}/v2/models/{artefact.manifest['architecture']}"
    request = artefact.path / SERVING_FOLDER / request_file(ONNX_REQUEST)
    if arguments.json:
        from .output import print_json

        print_json({"variant": name, "url": url, "request": str(request)})
    else:
        print(f"Serving {name} at {url}; Ctrl-C ends it. Ask it, from another terminal:\n")
        print(f"  curl -H 'Content-Type: application/json' -d @{request} {url}/infer\n")
    sys.stdout.flush()
    os.execvp(command[0], command)
