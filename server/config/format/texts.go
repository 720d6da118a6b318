package format

import (
	"fmt"
	"maps"
	"strings"
)

// texts are what problems say, by their codes. %s and %d stand for the Args in their order.
var texts = map[string]string{
	"bom":         "the content begins with a byte order mark, which many readers take for a part of the first key: remove it",
	"utf8":        "the byte %d is not UTF-8: save the content as UTF-8",
	"nul":         "there is a NUL character: remove it",
	"cr":          "%d lines end with a carriage return alone, which not every reader takes for the end of a line: use LF",
	"mixedBreaks": "%d lines end with %s, unlike the others of %d: use one kind of line break",
	"tooDeep":     "this is nested deeper than %d levels, which is more than readers take",

	"jsonEmpty":       "there is no value: JSON needs one, {} at the least",
	"jsonEnd":         "the content ends here, but the %s of line %d is not closed",
	"jsonString":      "the text that begins here is not closed on this line: add a \"",
	"jsonAfter":       "there is something after the end of the JSON value: remove it",
	"jsonValue":       "a value is expected here, but there is %s",
	"jsonWord":        "%s is no JSON value: put texts between \"quotes\"; without them only true, false, null and numbers stand",
	"jsonNumber":      "%s is no JSON number: write it like 0.5, -3 or 1e9",
	"jsonKey":         "a key in \"quotes\" is expected here, but there is %s",
	"jsonColon":       "a : is missing after the key",
	"jsonComma":       "a , is missing before this",
	"jsonTrailing":    "there is no value after this comma: remove the comma",
	"jsonMismatch":    "%s closes nothing here: the %s of line %d is open",
	"jsonSingleQuote": "JSON has no texts in single quotes: use \"",
	"jsonComment":     "JSON has no comments: remove it",
	"jsonEscape":      "%s is no escape that JSON knows: write \\\\ for a backslash",
	"jsonControl":     "a text can't have this control character (%d): write it as %s",
	"jsonDuplicate":   "the key %s stands in line %d, too; most readers take the last",

	"yamlSyntax":       "this is not YAML: %s",
	"yamlTab":          "there is a tab where only spaces may be: YAML is indented with spaces",
	"yamlTabIndent":    "this line is indented with a tab, which many readers of YAML refuse: use spaces",
	"yamlStart":        "a value can't begin with %s: put it between quotes",
	"yamlColon":        "there is a second \": \" here, or the line is indented deeper than the one it belongs to: put a text with \": \" between quotes, or mend the indentation",
	"yamlIndent":       "this line fits no block above: its indentation is unlike that of its neighbours",
	"yamlKey":          "this line is no \"key: value\": add the colon with a space after it, or indent the line as a part of the text above",
	"yamlFlow":         "the %s of line %d is not closed: a , or a %s is expected here",
	"yamlQuote":        "the quoted text that begins here is not closed",
	"yamlEnd":          "a value is expected here: close what a [ or { opened above",
	"yamlEscape":       "a text between \"double quotes\" knows no such escape: write \\\\ for a backslash, or use 'single quotes'",
	"yamlAnchor":       "there is no anchor &%s before this: put a text that begins with * between quotes",
	"yamlControl":      "control characters are not allowed: remove it",
	"yamlDirective":    "this directive is not YAML's: a text that begins with % must be between quotes",
	"yamlDuplicate":    "the key %s stands in line %d already: remove one of the two",
	"yamlLoop":         "the alias *%s stands within what it stands for",
	"yamlExpansion":    "the aliases of this content stand for more than %d values: readers refuse it",
	"yamlLarge":        "the content was not checked: it may have more than %d values, and readers need very long for it",
	"yamlJava":         "the content has %d characters; SnakeYAML, and with it Spring, refuses more than %d unless it is told otherwise",
	"yamlPlain":        "the whole content is one text, not keys with values: is the space after a colon missing?",
	"tomlSyntax":       "this is not TOML: %s",
	"tomlDuplicate":    "the key %s stands in line %d already: remove one of the two",
	"tomlTable":        "the table %s is defined in line %d already: put the keys of both together",
	"tomlNotTable":     "%s is a value since line %d and can't have keys",
	"tomlClosed":       "%s is complete since line %d and takes no further keys",
	"tomlNotArray":     "%s is no list of tables, by line %d: write [%s]",
	"tomlNumber":       "%s is no number that TOML knows",
	"tomlDate":         "%s is no date or time that exists",
	"propEscape":       "\\u needs four hexadecimal digits after it: write \\\\u for a backslash and a u",
	"propTrailing":     "the value ends with white space, which is a part of it: remove it, or write the last of it as \\u0020",
	"propUnicode":      "%d lines have characters beyond ASCII, which readers that do not take the file for UTF-8 read wrongly: \\uXXXX is always right",
	"propDuplicate":    "the key %s stands in line %d already; the last of them counts",
	"propNoValue":      "there is no = or : in this line: the whole line is a key without a value",
	"propContinuation": "the last line ends with a backslash and goes on nowhere: remove it",
	"xmlSyntax":        "this is not XML: %s",
	"xmlEmpty":         "there is no element: XML needs one",
	"xmlRoots":         "there is a second element beside the one of line %d: XML has one element that holds all others",
	"xmlOpen":          "<%s> of line %d is not closed: </%s> is missing",
	"xmlMismatch":      "</%s> closes nothing: <%s> of line %d is open",
	"xmlEnd":           "</%s> closes nothing: there is no open element",
	"xmlText":          "there is text outside of the element that holds all others",
	"xmlAttribute":     "the attribute %s is given twice",
	"xmlEntity":        "there is no entity of this name: write &amp; for an ampersand",
	"htmlOpen":         "<%s> is not closed: </%s> is missing",
	"htmlEnd":          "</%s> closes nothing",
}

// Texts returns the English text of every code, with %s and %d for the Args in their order: what
// another language has to word.
func Texts() map[string]string { return maps.Clone(texts) }

func wording(code string, args []any) string {
	if len(args) == 0 {
		return texts[code]
	}
	return fmt.Sprintf(texts[code], args...)
}

// shown returns at most 40 characters of a text for a person.
func shown[T ~string | ~[]byte](s T) string {
	const most = 40
	clean := strings.ToValidUTF8(string(s[:min(len(s), 4*most+4)]), "\ufffd")
	n := 0
	for i := range clean {
		if n++; n > most {
			return clean[:i] + "…"
		}
	}
	return clean
}
