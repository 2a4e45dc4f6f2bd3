//! What Usher promises, in the school's words. One binary; each module is one promise, or one part of one, and `kit` is the school they are tried in.

mod addresses;
mod answers;
mod bodies;
mod browser;
mod commands;
mod destinations;
mod http;
mod kit;
mod layers;
mod limits;
mod lists;
mod people;
mod records;
mod reload;
mod servers;
mod smuggling;
mod tunnels;
