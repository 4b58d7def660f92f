/*
 * siblings.h - programs that fall and rise together: those that one parent has run with the same
 * group name. What the fallen one's spec says decides whom it takes along: all of the group, or the
 * rest, which were run after it and may depend on it. They start again in the order in which they
 * were run, each when those before it are up. (The strategies of an Erlang/OTP supervisor; its
 * one_for_one is a program without a group.)
 */
#pragma once

#include <stdbool.h>

struct process;

/* It will be started again: the others end politely, and follow it. */
void siblings_on_fallen(const struct process *p);
/* It is up, or gone for good: who was held because of it may start. */
void siblings_on_settled(const struct process *p);
/* It fell too often: the others end with it. */
void siblings_on_given_up(const struct process *p);
/* Whether one that goes before it is not up yet. */
bool siblings_hold(const struct process *p);
