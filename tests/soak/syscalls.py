"""Each system call that a command makes from main on fails once, at each of its calls, with the
errors that it may give (by strace). Threads other than the first count for themselves: their
calls fail from the number on that the dynamic loader has reached.

After each: status 0 with the right result, or 1 with one line of error; no file that stood there
is lost or half; the run goes on and ends like the undisturbed one.
"""
import collections
import re

from commands import in_turn

# What each may give; EINVAL where it is not named here. brk() fails by giving the old end, for
# which 0 stands.
ERRORS = {
    'openat': 'EMFILE EACCES EIO', 'open': 'EMFILE', 'read': 'EIO', 'pread64': 'EIO',
    'readv': 'EIO', 'write': 'ENOSPC EIO', 'pwrite64': 'ENOSPC', 'writev': 'EIO',
    'fsync': 'EIO ENOSPC', 'fdatasync': 'EIO', 'rename': 'EIO ENOSPC', 'renameat': 'EIO',
    'renameat2': 'EIO EINVAL', 'linkat': 'EPERM EOPNOTSUPP', 'link': 'EPERM', 'symlink': 'EPERM',
    'unlink': 'EACCES', 'unlinkat': 'EACCES', 'rmdir': 'EACCES', 'mkdir': 'ENOSPC',
    'mkdirat': 'ENOSPC', 'ftruncate': 'EIO', 'truncate': 'EIO', 'fallocate': 'ENOSPC EOPNOTSUPP',
    'fchmod': 'EPERM', 'chmod': 'EPERM', 'flock': 'ENOLCK EOPNOTSUPP', 'fstat': 'EIO',
    'newfstatat': 'EIO', 'stat': 'EACCES', 'lstat': 'EACCES', 'statx': 'EIO', 'statfs': 'EIO',
    'fstatfs': 'EIO', 'access': 'EACCES', 'faccessat': 'EACCES', 'faccessat2': 'EACCES',
    'readlink': 'EACCES', 'readlinkat': 'EACCES', 'getcwd': 'ENOENT', 'getdents64': 'EIO',
    'lseek': 'ESPIPE', 'ioctl': 'ENOTTY', 'copy_file_range': 'EIO', 'mmap': 'ENOMEM',
    'mremap': 'ENOMEM', 'munmap': 'ENOMEM', 'mprotect': 'ENOMEM', 'madvise': 'EINVAL',
    'brk': 'retval=0', 'memfd_create': 'EMFILE', 'fadvise64': 'EINVAL', 'clone': 'EAGAIN',
    'clone3': 'EAGAIN', 'fork': 'EAGAIN', 'vfork': 'EAGAIN', 'execve': 'ENOMEM',
    'wait4': 'ECHILD', 'waitid': 'ECHILD', 'kill': 'EPERM', 'pipe': 'EMFILE', 'pipe2': 'EMFILE',
    'dup': 'EMFILE', 'dup2': 'EMFILE', 'dup3': 'EMFILE', 'poll': 'ENOMEM', 'ppoll': 'ENOMEM',
    'eventfd2': 'EMFILE', 'socket': 'EMFILE', 'socketpair': 'EMFILE', 'sendto': 'EPIPE',
    'sendmsg': 'EPIPE', 'recvfrom': 'ECONNRESET', 'recvmsg': 'ECONNRESET', 'getrandom': 'EAGAIN',
    'sched_getaffinity': 'EINVAL', 'sched_setaffinity': 'EINVAL', 'prlimit64': 'EPERM',
    'prctl': 'EINVAL', 'sysinfo': 'EFAULT', 'uname': 'EFAULT', 'clock_gettime': 'EINVAL',
}
# Futexes are left out, for without them nothing can wait, and so is what cannot fail,
# as fcntl() where it only asks; and close(), which closes even where it fails, as strace cannot.
LEFT_OUT = {'futex', 'exit', 'exit_group', 'rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn',
            'umask', 'fcntl', 'close', 'rseq', 'set_robust_list', 'getpid', 'gettid', 'getppid', 'getuid',
            'geteuid', 'getgid', 'getegid', 'tgkill', 'arch_prctl', 'set_tid_address',
            'restart_syscall', 'sched_yield', 'clock_nanosleep', 'nanosleep', 'alarm', 'setitimer'}


def attacks(soak, full):
    soak.need_strace()
    soak.preload()
    for command, name, error, when in in_turn(soak, 'syscalls', failures_of):
        yield command.name, lambda where, c=command, how=(name, error, when): attack(where, c, *how)


def failures_of(soak, command):
    return [(name, error, when) for name, before, count in calls(soak, command)
            for error in ERRORS.get(name, 'EINVAL').split()
            for when in range(before + 1, count + 1)]


def attack(where, command, name, error, when):
    how = error if '=' in error else f'error={error}'
    before = ['strace', '-f', '--seccomp-bpf', '-o', 'failed.txt', '-e', f'trace={name}',
              '-e', f'inject={name}:{how}:when={when}']
    problems = command.attack(where, before=before)
    excused = []
    if name.startswith('unlink'):
        excused.append('temporary file')  # what cannot be removed stays
    if message_failed(where.path / 'failed.txt'):
        excused.append('without one line of error')
    return [f'{name} #{when} {error}: {problem}' for problem in problems
            if not any(excuse in problem for excuse in excused)]


def message_failed(trace):
    """Whether what failed was writing to stderr: each process counts its own calls, so that the
    message about a failure in one may be what fails in another."""
    if not trace.exists():
        return False
    text = trace.read_text(errors='replace')
    begun = set(re.findall(r'^(\d+) +write\(2, .*<unfinished', text, re.M))
    ended = set(re.findall(r'^(\d+) +<\.\.\. write resumed>.*\(INJECTED\)', text, re.M))
    return bool(begun & ended or re.search(r'^\d+ +write\(2, .*\(INJECTED\)', text, re.M))


def count_calls(soak, command, mark):
    """Calls of each name: of the first thread, and the most of any other; with a mark, of the first
    thread since main alone."""
    where = soak.place('syscalls', 'mark' if mark else 'plain', command.name.replace(' ', '_'))
    command.prepare(where)
    env = {'LD_PRELOAD': soak.preload(), 'SOAK_MARK': '1'} if mark else {}
    where.run(*command.arguments, stdin=command.stdin,
              before=['strace', '-f', '-o', 'strace.txt',
                      *(f'-E{key}={value}' for key, value in env.items())])
    counts = collections.defaultdict(collections.Counter)
    for line in (where.path / 'strace.txt').read_text(errors='replace').splitlines():
        thread, name = re.match(r'(\d+) +(\w+)?', line).groups()
        if name and '(' in line:
            if mark and name == 'write' and '(-1, "main"' in line:
                counts[thread].clear()
            else:
                counts[thread][name] += 1
    first, *others = counts.values()
    return first, others


def calls(soak, command):
    """(name, calls of the first thread before main, the most calls of any thread)."""
    from_main, _ = count_calls(soak, command, mark=True)
    first, others = count_calls(soak, command, mark=False)
    found = []
    for name in sorted({*first, *(name for other in others for name in other)} - LEFT_OUT):
        before = max(0, first[name] - from_main[name])
        found.append((name, before, max([first[name], *(other[name] for other in others)])))
    return found
