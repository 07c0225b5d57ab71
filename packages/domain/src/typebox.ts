/*
 * TypeBox, through one door: once built, this is a single file (`npm run build`). Read one by one, its seven hundred took two
 * fifths of the CPU with which a node starts.
 */
export { type Static, type TObject, type TProperties, type TSchema, Type } from "typebox";
export { Compile } from "typebox/compile";
