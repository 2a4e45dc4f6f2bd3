//! What Usher promises, in the school's words. One binary; each module is one promise, or one part of one, and `kit` is the school they are tried in.

mod addresses;
mod answers;
mod bodies;
mod browser;
mod canaries;
mod commands;
mod destinations;
mod fetching;
mod fetching_safely;
mod formats;
mod generations;
mod http;
mod illegal;
mod keeping;
mod kit;
mod layers;
mod limits;
mod lists;
mod parent;
mod people;
mod records;
mod reload;
mod servers;
mod smuggling;
mod tunnels;
mod updates;
