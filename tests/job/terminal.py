#!/usr/bin/env python3
"""What a command prints on a terminal of its own. usage: terminal.py COMMAND..."""
import os
import pty
import sys

master, slave = pty.openpty()
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    for stream in range(3):
        os.dup2(slave, stream)
    os.execvp(sys.argv[1], sys.argv[1:])
os.close(slave)
while True:
    try:
        text = os.read(master, 65536)
    except OSError:  # the last program has closed it
        break
    if not text:
        break
    sys.stdout.buffer.write(text)
os.waitpid(pid, 0)
