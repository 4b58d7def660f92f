/*
 * forbidden.c - see forbidden.h. Raw system calls: what libc makes of them is no matter here. Whatever
 * succeeds by mistake harms nobody: arguments are wrong where a right one would do harm.
 */
#include "tests/confinement/forbidden.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
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

/* To an address that is nobody's (RFC 5737). */
static long send_a_datagram(void) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(9),
                                  .sin_addr.s_addr = htonl(0xc0000201) };
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        return fd < 0 ? fd : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

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

/* In a namespace that maps nobody there are no ids to become. */
static long refuse_unmapped(long result) {
        if (result < 0 && errno == EINVAL)
                errno = EPERM;
        return result;
}

static long become_another_user(void) {
        return refuse_unmapped(syscall(SYS_setresuid, 12345, 12345, 12345));
}

static long become_another_group(void) {
        return refuse_unmapped(syscall(SYS_setresgid, 12345, 12345, 12345));
}

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
        { "read a file", read_a_file, BY_OTHERS },
        { "make a file", make_a_file, BY_OTHERS },
        { "open a device", open_a_device, BY_OTHERS },
        { "open its own memory as a file", open_its_memory, BY_OTHERS },
        { "list a directory", list_a_directory, BY_OTHERS },
        { "make a directory", make_a_directory, BY_OTHERS },
        { "make a symbolic link", make_a_link, BY_OTHERS },
        { "make a fifo", make_a_fifo, BY_OTHERS },
        { "remove a file", remove_a_file, BY_OTHERS },
        { "rename a file", rename_a_file, BY_OTHERS },
        { "look at a file", look_at_a_file, BY_NAMESPACES },
        { "change a file's mode", change_a_mode, BY_FILTER_ALONE },
        { "change its directory", change_directory, BY_FILTER_ALONE },
        { "change its root", change_root, BY_OTHERS },
        { "make a file in memory", make_a_memfd, BY_FILTER_ALONE },
        { "watch files", watch_files, BY_FILTER_ALONE },
        { "copy a descriptor", copy_a_descriptor, BY_FILTER_ALONE },
        { "write anywhere but to stderr", write_elsewhere, BY_FILTER_ALONE },
        { "push input into a terminal", push_into_a_terminal, BY_OTHERS },
        { "open a TCP socket", open_a_tcp_socket, BY_FILTER_ALONE },
        { "open a UDP socket", open_a_udp_socket, BY_FILTER_ALONE },
        { "open a UNIX socket", open_a_unix_socket, BY_FILTER_ALONE },
        { "open a netlink socket", open_a_netlink_socket, BY_FILTER_ALONE },
        { "send a datagram", send_a_datagram, BY_NAMESPACES },
        { "make a pair of sockets", make_a_socket_pair, BY_FILTER_ALONE },
        { "fork", fork_itself, BY_FILTER_ALONE },
        { "fork by clone3", fork_by_clone3, BY_FILTER_ALONE },
        { "execute a program", execute_a_program, BY_OTHERS },
        { "execute a descriptor", execute_a_descriptor, BY_OTHERS },
        { "trace its parent", trace_its_parent, BY_OTHERS },
        { "be traced", be_traced, BY_FILTER_ALONE },
        { "read its parent's memory", read_its_parents_memory, BY_FILTER_ALONE },
        { "signal its parent", signal_its_parent, BY_FILTER_ALONE },
        { "signal everybody", signal_everybody, BY_FILTER_ALONE },
        { "hold its parent by a pidfd", hold_its_parent, BY_FILTER_ALONE },
        { "raise its parent's priority", renice_its_parent, BY_OTHERS },
        { "be scheduled in real time", be_real_time, BY_OTHERS },
        { "have a POSIX timer", have_a_timer, BY_FILTER_ALONE },
        { "raise a limit", raise_a_limit, BY_OTHERS },
        { "take a capability", take_a_capability, BY_OTHERS },
        { "become another user", become_another_user, BY_OTHERS },
        { "become another group", become_another_group, BY_OTHERS },
        { "make a user namespace", make_a_user_namespace, BY_FILTER_ALONE },
        { "make a mount namespace", make_a_mount_namespace, BY_OTHERS },
        { "enter a namespace", enter_a_namespace, BY_FILTER_ALONE },
        { "mount", mount_something, BY_OTHERS },
        { "unmount", unmount_something, BY_OTHERS },
        { "name the host", name_the_host, BY_OTHERS },
        { "restart the machine", restart_the_machine, BY_OTHERS },
        { "load a kernel module", load_a_module, BY_OTHERS },
        { "read the kernel's log", read_the_kernels_log, BY_OTHERS },
        { "touch I/O ports", touch_ports, BY_OTHERS },
        { "become dumpable", be_dumpable, BY_FILTER_ALONE },
        { "map executable memory", map_executable_memory, BY_OTHERS },
        { "make memory executable", make_memory_executable, BY_OTHERS },
        { "call the kernel as a 32-bit program", call_as_32_bit, BY_FILTER_ALONE },
        { "lock its memory", lock_memory, BY_OTHERS },
        { "handle page faults", handle_page_faults, BY_FILTER_ALONE },
        { "load a BPF program", load_a_bpf_program, BY_FILTER_ALONE },
        { "use io_uring", use_io_uring, BY_FILTER_ALONE },
        { "watch the CPU", watch_the_cpu, BY_FILTER_ALONE },
        { "keep a key in the kernel", keep_a_key, BY_FILTER_ALONE },
        { "share memory", share_memory, BY_FILTER_ALONE },
        { "make a message queue", make_a_message_queue, BY_FILTER_ALONE },
        { "set the clock", set_the_clock, BY_FILTER_ALONE },
        { "change its filter", change_its_filter, BY_FILTER_ALONE },
        { "change its personality", change_its_personality, BY_FILTER_ALONE },
        { "call what is not there", call_what_is_not_there, BY_OTHERS },
};
const size_t n_forbidden = ARRAY_SIZE(forbidden);
