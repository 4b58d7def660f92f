/*
 * listing.h - process.list: one row per process, with what /proc says of it. Reading /proc for a
 * thousand processes takes a tenth of a second, so a long list is written a slice per turn and
 * nobody else's calls wait for it.
 */
#pragma once

struct native_request;

void listing_on_request(struct native_request *request);
