# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window: what a page becomes, what it looks like, whom it would ask."""
import http.server
import json
import os
import subprocess
import tempfile
import threading

SECONDS = 120
# No page of ours needs a name, and the browser itself shall not go looking for news.
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-extensions', '--hide-scrollbars',
         '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1')


def chromium(address, *flags):
    """What it prints; with a profile of its own, which ends with it."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(['chromium', *FLAGS, f'--user-data-dir={home}/profile', *flags, address],
                              env={**os.environ, 'HOME': home}, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True, timeout=SECONDS)
    return done.stdout.decode()


def dom(path, fragment=''):
    return chromium(f'file://{path}{fragment}', '--dump-dom')


def screenshot(path, to, *flags):
    chromium(f'file://{path}', '--window-size=1200,1500', f'--screenshot={to}', *flags)


def asked(path):
    """The addresses that the page makes the browser ask for, by the browser's own record. What it asks for on
    its own account has no origin."""
    with tempfile.TemporaryDirectory() as folder:
        chromium(f'file://{path}', '--dump-dom', f'--log-net-log={folder}/net')
        with open(folder + '/net', encoding='utf-8') as file:
            record = json.load(file)
    kinds = record['constants']['logEventTypes']
    started = [event.get('params', {}) for event in record['events']
               if event['type'] == kinds['URL_REQUEST_START_JOB']]
    return {params['url'] for params in started if params.get('initiator', 'not an origin') != 'not an origin'}


class Listener:
    """Counts who asks on 127.0.0.1, at a port that the kernel picks."""

    def __enter__(self):
        self.seen = seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(self.path)
                self.send_error(404)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.address = f'http://127.0.0.1:{self.server.server_port}/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
