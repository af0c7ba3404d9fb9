#!/usr/bin/env python3
"""eDeploy's way to register a machine, for the benchmark "claims": a CGI program that takes a lock file, evaluates state,
specs and CMDB, matches, and writes state and CMDB back. Written from the description of its formats, not from its code:
the matcher knows what the benchmark's specs use. `serve PORT DIR` starts a web server that runs it for each request."""
import ast
import fcntl
import json
import os
import pprint
import re
import sys


def matches(spec, fact, bound):
    found = dict(bound)
    for element, word in zip(spec, fact):
        test = re.match(r'gt\((\d+)\)$', element)
        if element.startswith('$'):
            if found.setdefault(element[1:], word) != word:
                return None
        elif test:
            if not float(word) > float(test.group(1)):
                return None
        elif element != word:
            return None
    return found


def match_all(facts, specs, bound):
    if not specs:
        return bound
    for at, fact in enumerate(facts):
        found = matches(specs[0], fact, bound)
        if found is not None:
            solution = match_all(facts[:at] + facts[at + 1:], specs[1:], found)
            if solution is not None:
                return solution
    return None


def read(directory, name):
    with open(os.path.join(directory, name)) as file:
        return ast.literal_eval(file.read())


def write(directory, name, value):
    with open(os.path.join(directory, name), 'w') as file:
        pprint.pprint(value, file)


def upload(directory):
    facts = [tuple(fact) for fact in json.load(sys.stdin)]
    with open(os.path.join(directory, 'lock'), 'w') as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        state = read(directory, 'state')
        for index, (name, count) in enumerate(state):
            found = match_all(facts, read(directory, name + '.specs'), {}) if count != 0 else None
            if found is None:
                continue
            records = read(directory, name + '.cmdb')
            own = [one for one in records if all(one.get(key) == value for key, value in found.items())]
            free = [one for one in records if 'used' not in one]
            record = (own or free)[0]
            record.update(found, used=1)
            write(directory, name + '.cmdb', records)
            if count != '*':
                state[index] = (name, count - 1)
            write(directory, 'state', state)
            print('var_ip=%s' % record['ip'])
            return
    print('exit 1')


def serve(port, directory):
    import subprocess
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        """A process for each request, as a web server runs a CGI program."""

        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def do_POST(self):
            body = self.rfile.read(int(self.headers['content-length']))
            program = [sys.executable, os.path.abspath(__file__), directory]
            answer = subprocess.run(program, input=body, stdout=subprocess.PIPE, check=False)
            self.send_response(200 if answer.returncode == 0 else 500)
            self.end_headers()
            self.wfile.write(answer.stdout)

        def log_message(self, *_args):
            pass

    ThreadingHTTPServer.request_queue_size = 1024
    ThreadingHTTPServer(('127.0.0.1', port), Handler).serve_forever()


if sys.argv[1] == 'serve':
    serve(int(sys.argv[2]), sys.argv[3])
else:
    upload(sys.argv[1])
