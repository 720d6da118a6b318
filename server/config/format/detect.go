package format

import (
	"bytes"
	"strings"
)

var endings = map[string]Type{
	"yaml": YAML, "yml": YAML, "json": JSON, "toml": TOML, "properties": Properties, "props": Properties,
	"xml": XML, "html": HTML, "htm": HTML, "txt": Text, "text": Text, "md": Text, "log": Text, "csv": Text,
}

// detectFrom is how much of a content is looked at for its type.
const detectFrom = 64 << 10

// Detect returns the format that a content most likely has: what the ending of its name says, else
// what its first 64 KiB look like. A content without a syntax of its own is Text.
func Detect(dataID string, content []byte) Type {
	if i := strings.LastIndexByte(dataID, '.'); i >= 0 {
		if t, ok := endings[strings.ToLower(dataID[i+1:])]; ok {
			return t
		}
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(content, bom))
	if len(text) > detectFrom {
		text = text[:detectFrom+bytes.IndexByte(append(text[detectFrom:min(len(text), 2*detectFrom):len(text)], '\n'), '\n')]
	}
	if len(text) == 0 {
		return Text
	}
	switch lower := bytes.ToLower(text[:min(len(text), 200)]); {
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		return HTML
	case text[0] == '<':
		return XML
	case text[0] == '{', text[0] == '[' && looksLikeJSONArray(text):
		return JSON
	}
	return detectLines(text)
}

// looksLikeJSONArray tells a list from the header of a TOML table.
func looksLikeJSONArray(text []byte) bool {
	rest := bytes.TrimSpace(text[1:])
	return len(rest) > 0 && (bytes.IndexByte([]byte(`{["]-`), rest[0]) >= 0 && !bytes.HasPrefix(rest, []byte("[")) || rest[0] >= '0' && rest[0] <= '9')
}

// detectLines counts the lines that have the form of each of the formats of keys.
func detectLines(text []byte) Type {
	var yamlLines, propLines, tomlLines, tables, other int
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		whole := bytes.TrimRight(line, " \t\r")
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == '!' {
			continue
		}
		colon, equals := bytes.IndexByte(line, ':'), bytes.IndexByte(line, '=')
		isKey := func(end int) bool {
			return end > 0 && bytes.IndexByte(bytes.TrimSpace(line[:end]), ' ') < 0
		}
		switch {
		case bytes.Equal(line, []byte("---")), bytes.HasPrefix(line, []byte("- ")):
			yamlLines++
		case line[0] == '[' && line[len(line)-1] == ']' && equals < 0:
			tables++
		case isKey(equals) && (colon < 0 || equals < colon):
			if tomlish(bytes.TrimSpace(line[equals+1:])) {
				tomlLines++
			} else {
				propLines++
			}
		case isKey(colon) && (colon == len(line)-1 || line[colon+1] == ' '):
			yamlLines++
		case whole[0] == ' ': // a part of a text above
		default:
			other++
		}
	}
	switch most := max(yamlLines, propLines+tomlLines, other); {
	case most == 0 && tables == 0, other == most:
		return Text
	case tables > 0 && propLines == 0 && yamlLines == 0:
		return TOML
	case yamlLines == most:
		return YAML
	case propLines == 0 && hasQuoted(text):
		return TOML
	}
	return Properties
}

// tomlish reports whether b could be a value of TOML.
func tomlish(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	return bytes.IndexByte([]byte(`"'[{+-`), b[0]) >= 0 || b[0] >= '0' && b[0] <= '9' ||
		bytes.HasPrefix(b, []byte("true")) || bytes.HasPrefix(b, []byte("false"))
}

// hasQuoted reports whether a value is between quotes, which properties seldom have.
func hasQuoted(text []byte) bool {
	return bytes.Contains(text, []byte(`= "`)) || bytes.Contains(text, []byte(`="`)) || bytes.Contains(text, []byte(`= [`))
}
