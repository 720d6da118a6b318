import{a,b}from"./chunk-PI5WZVQU.js";import"./chunk-RKBCH7QO.js";import"./chunk-FKV2KXHP.js";export{a as editorOf,b as mountEditor};
