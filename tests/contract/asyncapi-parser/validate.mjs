// Reads an AsyncAPI document as `asyncapi validate` does, by the same parser; prints what it finds as one JSON list.
// Severity: 0 error, 1 warning, 2 information, 3 hint.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const found = await new Parser().validate(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(found.map(({ severity, message, path }) => ({ severity, message, path }))));
