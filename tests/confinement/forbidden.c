/*
 * forbidden.c - see forbidden.h. Raw system calls: what libc makes of them is no matter here. Whatever
 * succeeds by mistake harms nobody: arguments are wrong where a right one would do harm.
 */
#include "tests/confinement/forbidden.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "libipc/base/macros.h"

#define ATTEMPT(name, ...)                                                                         \
        static long name(void) {                                                                   \
                return syscall(__VA_ARGS__);                                                       \
        }

/* ---- files --------------------------------------------------------------------------------- */

#define SCRATCH "/tmp/thox-forbidden"

ATTEMPT(read_a_file, SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)
ATTEMPT(make_a_file, SYS_openat, AT_FDCWD, SCRATCH, O_WRONLY | O_CREAT, 0600)
ATTEMPT(open_a_device, SYS_openat, AT_FDCWD, "/dev/zero", O_RDWR)
ATTEMPT(open_its_memory, SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR)
ATTEMPT(list_a_directory, SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY)
ATTEMPT(make_a_directory, SYS_mkdirat, AT_FDCWD, SCRATCH, 0700)
ATTEMPT(make_a_link, SYS_symlinkat, "/etc/passwd", AT_FDCWD, SCRATCH)
ATTEMPT(make_a_fifo, SYS_mknodat, AT_FDCWD, SCRATCH, S_IFIFO | 0600, 0)
ATTEMPT(remove_a_file, SYS_unlinkat, AT_FDCWD, SCRATCH, 0)
ATTEMPT(rename_a_file, SYS_renameat2, AT_FDCWD, SCRATCH, AT_FDCWD, SCRATCH "2", 0)
ATTEMPT(look_at_a_file, SYS_newfstatat, AT_FDCWD, "/etc/passwd", NULL, 0)
ATTEMPT(change_a_mode, SYS_fchmodat, AT_FDCWD, SCRATCH, 0600)
ATTEMPT(change_directory, SYS_chdir, "/")
ATTEMPT(change_root, SYS_chroot, "/")
ATTEMPT(make_a_memfd, SYS_memfd_create, "x", 0)
ATTEMPT(watch_files, SYS_inotify_init1, 0)
ATTEMPT(copy_a_descriptor, SYS_dup, STDERR_FILENO)
ATTEMPT(write_elsewhere, SYS_write, 5, "x", 1)
ATTEMPT(push_into_a_terminal, SYS_ioctl, STDERR_FILENO, TIOCSTI, "x")

/* ---- sockets ------------------------------------------------------------------------------- */

ATTEMPT(open_a_tcp_socket, SYS_socket, AF_INET, SOCK_STREAM, 0)
ATTEMPT(open_a_udp_socket, SYS_socket, AF_INET6, SOCK_DGRAM, 0)
ATTEMPT(open_a_unix_socket, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
ATTEMPT(open_a_netlink_socket, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
ATTEMPT(make_a_socket_pair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 })

/* ---- processes ----------------------------------------------------------------------------- */

ATTEMPT(fork_itself, SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)
ATTEMPT(fork_by_clone3, SYS_clone3, NULL, 0)
ATTEMPT(execute_a_program, SYS_execve, "/bin/true", NULL, NULL)
ATTEMPT(execute_a_descriptor, SYS_execveat, STDERR_FILENO, "", NULL, NULL, AT_EMPTY_PATH)
ATTEMPT(trace_its_parent, SYS_ptrace, PTRACE_SEIZE, getppid(), NULL, NULL)
ATTEMPT(be_traced, SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL)
ATTEMPT(read_its_parents_memory, SYS_process_vm_readv, getppid(), NULL, 0UL, NULL, 0UL, 0UL)
ATTEMPT(signal_its_parent, SYS_kill, getppid(), 0)
ATTEMPT(signal_everybody, SYS_kill, -1, 0)
ATTEMPT(hold_its_parent, SYS_pidfd_open, getppid(), 0)
ATTEMPT(renice_its_parent, SYS_setpriority, PRIO_PROCESS, getppid(), -5)
ATTEMPT(be_real_time, SYS_sched_setscheduler, 0, SCHED_FIFO, &(struct sched_param){ 1 })
ATTEMPT(have_a_timer, SYS_timer_create, CLOCK_MONOTONIC, NULL, &(timer_t){ 0 })

/* ---- privileges ---------------------------------------------------------------------------- */

static long raise_a_limit(void) {
        const struct rlimit more = { 1024, 1024 };
        return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &more, NULL);
}

static long take_a_capability(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { .effective = 1, .permitted = 1 } };
        return syscall(SYS_capset, &header, data);
}

ATTEMPT(become_another_user, SYS_setresuid, 12345, 12345, 12345)
ATTEMPT(become_another_group, SYS_setresgid, 12345, 12345, 12345)
ATTEMPT(make_a_user_namespace, SYS_unshare, CLONE_NEWUSER)
ATTEMPT(make_a_mount_namespace, SYS_unshare, CLONE_NEWNS)
ATTEMPT(enter_a_namespace, SYS_setns, STDERR_FILENO, 0)
ATTEMPT(mount_something, SYS_mount, "none", "/", "tmpfs", 0UL, NULL)
ATTEMPT(unmount_something, SYS_umount2, "/", 0)
ATTEMPT(name_the_host, SYS_sethostname, "x", -1L)
ATTEMPT(restart_the_machine, SYS_reboot, 0, 0, 0, NULL)
ATTEMPT(load_a_module, SYS_init_module, NULL, 0UL, "")
ATTEMPT(read_the_kernels_log, SYS_syslog, 3, NULL, 0)
ATTEMPT(touch_ports, SYS_iopl, 3)
ATTEMPT(be_dumpable, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)

/* ---- memory and the rest of the kernel ------------------------------------------------------ */

#define PAGE 4096UL

static long map_executable_memory(void) {
        return syscall(SYS_mmap, NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long make_memory_executable(void) {
        void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return syscall(SYS_mprotect, page, PAGE, PROT_READ | PROT_EXEC);
}

/* 32-bit calls have numbers of their own, which the filter would take for others. */
static long call_as_32_bit(void) {
#ifdef __x86_64__
        long result = 20; /* getpid */
        __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
        return result;
#else
        return syscall(-2L);
#endif
}

ATTEMPT(lock_memory, SYS_mlockall, MCL_CURRENT | MCL_FUTURE)
ATTEMPT(handle_page_faults, SYS_userfaultfd, 0)
ATTEMPT(load_a_bpf_program, SYS_bpf, 0, NULL, 0)
ATTEMPT(use_io_uring, SYS_io_uring_setup, 0, NULL)
ATTEMPT(watch_the_cpu, SYS_perf_event_open, NULL, 0, -1, -1, 0UL)
ATTEMPT(keep_a_key, SYS_add_key, "user", "thox", "x", 1UL, KEY_SPEC_PROCESS_KEYRING)
ATTEMPT(share_memory, SYS_shmget, 0, PAGE, 0600)
ATTEMPT(make_a_message_queue, SYS_msgget, 0, 0600)
ATTEMPT(set_the_clock, SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){ 0, -1 })
ATTEMPT(change_its_filter, SYS_seccomp, 0, 0, NULL)
ATTEMPT(change_its_personality, SYS_personality, 0x0400000)
ATTEMPT(call_what_is_not_there, 4096L)

const struct forbidden forbidden[] = {
        { "read a file", read_a_file, true },
        { "make a file", make_a_file, true },
        { "open a device", open_a_device, true },
        { "open its own memory as a file", open_its_memory, true },
        { "list a directory", list_a_directory, true },
        { "make a directory", make_a_directory, true },
        { "make a symbolic link", make_a_link, true },
        { "make a fifo", make_a_fifo, true },
        { "remove a file", remove_a_file, true },
        { "rename a file", rename_a_file, true },
        { "look at a file", look_at_a_file, false },
        { "change a file's mode", change_a_mode, false },
        { "change its directory", change_directory, false },
        { "change its root", change_root, true },
        { "make a file in memory", make_a_memfd, false },
        { "watch files", watch_files, false },
        { "copy a descriptor", copy_a_descriptor, false },
        { "write anywhere but to stderr", write_elsewhere, false },
        { "push input into a terminal", push_into_a_terminal, true },
        { "open a TCP socket", open_a_tcp_socket, false },
        { "open a UDP socket", open_a_udp_socket, false },
        { "open a UNIX socket", open_a_unix_socket, false },
        { "open a netlink socket", open_a_netlink_socket, false },
        { "make a pair of sockets", make_a_socket_pair, false },
        { "fork", fork_itself, false },
        { "fork by clone3", fork_by_clone3, false },
        { "execute a program", execute_a_program, true },
        { "execute a descriptor", execute_a_descriptor, true },
        { "trace its parent", trace_its_parent, true },
        { "be traced", be_traced, false },
        { "read its parent's memory", read_its_parents_memory, false },
        { "signal its parent", signal_its_parent, false },
        { "signal everybody", signal_everybody, false },
        { "hold its parent by a pidfd", hold_its_parent, false },
        { "raise its parent's priority", renice_its_parent, true },
        { "be scheduled in real time", be_real_time, true },
        { "have a POSIX timer", have_a_timer, false },
        { "raise a limit", raise_a_limit, true },
        { "take a capability", take_a_capability, true },
        { "become another user", become_another_user, true },
        { "become another group", become_another_group, true },
        { "make a user namespace", make_a_user_namespace, false },
        { "make a mount namespace", make_a_mount_namespace, true },
        { "enter a namespace", enter_a_namespace, false },
        { "mount", mount_something, true },
        { "unmount", unmount_something, true },
        { "name the host", name_the_host, true },
        { "restart the machine", restart_the_machine, true },
        { "load a kernel module", load_a_module, true },
        { "read the kernel's log", read_the_kernels_log, true },
        { "touch I/O ports", touch_ports, true },
        { "become dumpable", be_dumpable, false },
        { "map executable memory", map_executable_memory, true },
        { "make memory executable", make_memory_executable, true },
        { "call the kernel as a 32-bit program", call_as_32_bit, false },
        { "lock its memory", lock_memory, true },
        { "handle page faults", handle_page_faults, false },
        { "load a BPF program", load_a_bpf_program, false },
        { "use io_uring", use_io_uring, false },
        { "watch the CPU", watch_the_cpu, false },
        { "keep a key in the kernel", keep_a_key, false },
        { "share memory", share_memory, false },
        { "make a message queue", make_a_message_queue, false },
        { "set the clock", set_the_clock, false },
        { "change its filter", change_its_filter, false },
        { "change its personality", change_its_personality, false },
        { "call what is not there", call_what_is_not_there, true },
};
const size_t n_forbidden = ARRAY_SIZE(forbidden);
