/*
 * macros.h - the whole house dialect: seven macros, nothing else may grow here.
 */
#pragma once

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define UNUSED __attribute__((unused))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The object that contains MEMBER at PTR. */
#define container_of(ptr, type, member)                                                            \
        ((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

/* A variable whose value is released by FN (which receives its address) when it goes out of scope.
 * Never in files that call Lua: an error there jumps over it. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hand the value of a CLEANUP variable to somebody else. */
#define take(var)                                                                                  \
        ({                                                                                         \
                __typeof__(var) take_value_ = (var);                                               \
                (var) = NULL;                                                                      \
                take_value_;                                                                       \
        })

/* Defines void NAMEp(TYPE **), the CLEANUP companion of a free function. */
#define DEFINE_CLEANUP(type, fn)                                                                   \
        static inline UNUSED void fn##p(type *p) {                                                 \
                fn(*p);                                                                            \
        }
