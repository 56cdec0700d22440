"""A bus with a systemd on it that is not one: it answers what a test has it answer.

    bus = FakeBus(t, {'StartTransientUnit': ('error', NAME, TEXT)})
    ... DBUS_SYSTEM_BUS_ADDRESS=bus.address ...
    bus.calls        the names of the methods that were called

An answer is ('job', RESULT): a job, and the signal that it has ended with RESULT; ('error', NAME, TEXT);
('silence',); ('close',); ('garbage',).  What is not named gets an empty answer.

https://dbus.freedesktop.org/doc/dbus-specification.html
"""

import os
import socket
import struct
import threading

SYSTEMD = 'org.freedesktop.systemd1'
JOB = '/org/freedesktop/systemd1/job/7'
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)


def padded(data, boundary):
  return data + bytes(-len(data) % boundary)


def text(value):
  return struct.pack('<I', len(value)) + value.encode() + b'\0'


def marshal(kind, serial, fields, body=b''):
  array = b''
  for code, signature, value in fields:
    array = padded(array, 8) + bytes([code, 1]) + signature.encode() + b'\0'
    if signature == 'g':
      array += bytes([len(value)]) + value.encode() + b'\0'
    elif signature == 'u':
      array = padded(array, 4) + struct.pack('<I', value)
    else:
      array = padded(array, 4) + text(value)
  head = struct.pack('<cBBBIII', b'l', kind, 1, 1, len(body), serial, len(array))
  return padded(head + array, 8) + body


def strings(*values):
  body = b''
  for value in values:
    body = padded(body, 4) + text(value)
  return body


def fields_of(message):
  """The header fields of a whole message, by code."""
  found = {}
  at, end = 16, 16 + struct.unpack_from('<I', message, 12)[0]
  while at < end:
    at += -at % 8
    code, signature = message[at], chr(message[at + 2])
    at += 4
    if signature == 'g':
      size = message[at]
      found[code] = message[at + 1:at + 1 + size].decode()
      at += size + 2
      continue
    at += -at % 4
    number = struct.unpack_from('<I', message, at)[0]
    at += 4
    if signature == 'u':
      found[code] = number
    else:
      found[code] = message[at:at + number].decode()
      at += number + 1
  return found


class FakeBus:
  """Listens until the test is over; connections are served one after the other."""

  def __init__(self, t, answers=None, hello='answer'):
    self.answers = answers or {}
    self.hello = hello  # or 'hang', 'close', 'garbage'
    self.calls = []
    self.serial = 100
    self.path = t.path('bus')
    self.address = 'unix:path=' + self.path
    self.listener = socket.socket(socket.AF_UNIX)
    self.listener.bind(self.path)
    os.chmod(self.path, 0o777)
    self.listener.listen(8)
    self.open = [self.listener]
    t.ready.append(self.close)
    self.closed = False
    self.thread = threading.Thread(target=self.serve, daemon=True)
    self.thread.start()

  def close(self):
    """Wakes the thread and waits for its end, before a number of a descriptor can be another's."""
    self.closed = True
    for one in self.open:
      try:
        one.shutdown(socket.SHUT_RDWR)
      except OSError:
        pass
    self.thread.join(10)
    for one in self.open:
      one.close()

  def serve(self):
    while not self.closed:
      try:
        connection = self.listener.accept()[0]
        self.open.append(connection)
        self.talk(connection)
      except (OSError, struct.error):
        pass

  def talk(self, connection):
    if self.hello == 'hang':
      return
    if self.hello == 'close':
      connection.shutdown(socket.SHUT_RDWR)
      return
    buffer = b''
    while b'BEGIN\r\n' not in buffer:
      piece = connection.recv(4096)
      if not piece:
        return
      if self.hello == 'garbage':
        connection.sendall(b'\x01\x02garbage\r\n' * 10)
        return
      if not buffer:
        # EXTERNAL without a name (then asked for data), descriptors, and it begins
        connection.sendall(b'DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n')
      buffer += piece
    buffer = buffer.split(b'BEGIN\r\n', 1)[1]
    while True:
      message, buffer = self.next_message(connection, buffer)
      if message is None:
        return
      self.answer(connection, message)

  @staticmethod
  def next_message(connection, buffer):
    while True:
      if len(buffer) >= 16:
        body, _, fields = struct.unpack_from('<III', buffer, 4)
        size = 16 + fields + -fields % 8 + body
        if len(buffer) >= size:
          return buffer[:size], buffer[size:]
      piece = connection.recv(65536)
      if not piece:
        return None, b''
      buffer += piece

  def send(self, connection, kind, fields, body=b''):
    self.serial += 1
    connection.sendall(marshal(kind, self.serial, fields, body))

  def answer(self, connection, message):
    fields = fields_of(message)
    member = fields.get(MEMBER)
    serial = struct.unpack_from('<I', message, 8)[0]
    if member == 'Hello':
      self.send(connection, RETURN, [(REPLY_SERIAL, 'u', serial), (SENDER, 's', 'org.freedesktop.DBus'),
                                     (SIGNATURE, 'g', 's')], strings(':1.7'))
      return
    if member != 'AddMatch':
      self.calls.append(member)
    answer = self.answers.get(member, ('empty',))
    back = [(REPLY_SERIAL, 'u', serial), (SENDER, 's', SYSTEMD)]
    if answer[0] == 'empty':
      self.send(connection, RETURN, back)
    elif answer[0] == 'error':
      self.send(connection, ERROR, back + [(ERROR_NAME, 's', answer[1]), (SIGNATURE, 'g', 's')],
                strings(answer[2]))
    elif answer[0] == 'job':
      self.send(connection, RETURN, back + [(SIGNATURE, 'g', 'o')], strings(JOB))
      self.send(connection, SIGNAL, [(PATH, 'o', '/org/freedesktop/systemd1'),
                                     (INTERFACE, 's', SYSTEMD + '.Manager'), (MEMBER, 's', 'JobRemoved'),
                                     (SENDER, 's', SYSTEMD), (SIGNATURE, 'g', 'uoss')],
                struct.pack('<I', 7) + strings(JOB, 'x.scope', answer[1]))
    elif answer[0] == 'close':
      connection.shutdown(socket.SHUT_RDWR)
    elif answer[0] == 'garbage':
      connection.sendall(b'\xff' * 64)
