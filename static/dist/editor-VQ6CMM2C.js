import{a,b}from"./chunk-UTFV75AC.js";import"./chunk-KMJGNETD.js";import"./chunk-FKV2KXHP.js";import"./chunk-RQNJSH6L.js";import"./chunk-S6VWCZFI.js";export{a as editorOf,b as mountEditor};
