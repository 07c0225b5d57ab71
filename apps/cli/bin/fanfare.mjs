#!/usr/bin/env node
// A file of its own, because npm links a bin when packages are installed, which is before anything is built.
import "../dist/main.js";
