"""A conversation on a terminal: conversation.py RUNE MODEL. Its texts end by Ctrl-C alone."""
import os
import pty
import sys

INTERRUPT, END = b'\x03', b'\x04'


class Conversation:
    def __init__(self, *arguments):
        self.seen = b''
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execv(sys.argv[1], [sys.argv[1], 'sample', sys.argv[2], '--interactive', '--threads', '1',
                                   '--seed', '1', *arguments])

    def read(self):
        try:
            return os.read(self.terminal, 65536)
        except OSError:  # the other side is closed
            return b''

    def expect(self, end):
        """Reads until that was written."""
        while end not in self.seen:
            piece = self.read()
            assert piece, f'{end} is not in {self.seen[-200:]}'
            self.seen += piece
        self.seen = self.seen.split(end, 1)[1]

    def type(self, keys):
        os.write(self.terminal, keys)

    def expect_end(self):
        while piece := self.read():
            self.seen += piece
        assert os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1]) == 0
        assert self.seen.endswith(b'\r\n'), self.seen


def turn(conversation, line):
    """Types a line, lets lines be written and stops them."""
    conversation.type(line + b'\n')
    conversation.expect(line + b'\r\n')
    for _ in range(5):
        conversation.expect(b'\r\n>')
    conversation.type(INTERRUPT)
    conversation.expect(b'\r\n> ')


endless = Conversation('--length', '1000000000')
endless.expect(b'> ')
for line in b'>ab', b'', b'>cd':
    turn(endless, line)
endless.type(INTERRUPT)
endless.expect(b'Ctrl-C again')
endless.expect(b'> ')
turn(endless, b'>cd')
endless.type(INTERRUPT)  # not the second one in a row
endless.expect(b'Ctrl-C again')
endless.expect(b'> ')
endless.type(END)
endless.expect_end()

short = Conversation('--lines', '1')
short.expect(b'> ')
short.type(INTERRUPT)
short.expect(b'Ctrl-C again')
short.expect(b'> ')
short.type(INTERRUPT)
short.expect_end()
