import{a,b}from"./chunk-N77ZNS2T.js";import"./chunk-FKV2KXHP.js";import"./chunk-KMJGNETD.js";import"./chunk-RQNJSH6L.js";import"./chunk-S6VWCZFI.js";export{a as editorOf,b as mountEditor};
