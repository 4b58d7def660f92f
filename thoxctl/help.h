/*
 * help.h - what thoxctl says about itself: the overview, a page for each verb, and a paragraph for
 * each code that an error can show.
 */
#pragma once

#include "thoxctl/command.h"

void help_show_overview(const struct output *o);
void help_show_verb(const struct output *o, const struct command *command);
