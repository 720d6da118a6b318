// Writes server/auth/common.txt and its licence: the passwords that are tried first, the most common first. They are
// the first 10,000 of the list that zxcvbn uses, and all of it that are long enough to be taken.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

const roots = 10_000; // how many count as pieces of a password, whatever their length
const minPassword = 12; // as in server/auth/password.go
const root = new URL("..", import.meta.url);
const source = new URL("node_modules/@zxcvbn-ts/language-common/", root);
const all = JSON.parse(readFileSync(new URL("src/passwords.json", source), "utf8"));
const kept = all.filter((p, i) => p.length >= 3 && (i < roots || p.length >= minPassword));
writeFileSync(new URL("server/auth/common.txt", root), kept.map((p) => p + "\n").join(""));
copyFileSync(new URL("LICENSE.txt", source), new URL("server/auth/common.LICENSE", root));
