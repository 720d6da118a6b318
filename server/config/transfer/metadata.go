package transfer

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"nacre/server/config"
)

// The entries that hold metadata, at the root of an archive.
const (
	metadataV1 = ".meta.yml"
	metadataV2 = ".metadata.yml"
)

// Attributes are what the second metadata form says of a configuration. Nil means not said.
type Attributes struct {
	Name
	Type    string
	AppName *string
	Desc    *string
	Tags    []string
}

// appKey is the key that the first metadata form has for a configuration's application: the last
// dot of the dataId becomes a tilde.
func appKey(n Name) string {
	id := n.DataID
	if i := strings.LastIndexByte(id, '.'); i >= 0 {
		id = id[:i] + "~" + id[i+1:]
	}
	return n.Group + "." + id + ".app"
}

// readMetadataV1 reads the first form, lines of key=application. It is not YAML, despite its name.
func readMetadataV1(r io.Reader) (map[string]string, error) {
	apps := make(map[string]string)
	lines := bufio.NewScanner(r)
	lines.Split(scanLines)
	lines.Buffer(nil, 64<<10)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || value == "" || strings.Contains(value, "=") {
			return nil, metadataFault("line %d of %s is not of the form group.dataId.app=application", n, metadataV1)
		}
		apps[key] = value
	}
	if err := lines.Err(); err != nil {
		if err == bufio.ErrTooLong {
			return nil, metadataFault("%s has a line of more than 64 KiB", metadataV1)
		}
		return nil, err
	}
	if len(apps) == 0 {
		return nil, metadataFault("%s is empty", metadataV1)
	}
	return apps, nil
}

// scanLines splits at LF, CR and CRLF; the empty line within CRLF does no harm.
func scanLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// maxWholeYAML is the size up to which metadata that are not a plain block list are parsed as one document.
const maxWholeYAML = 1 << 20

// ReadMetadata reads the second metadata form: a YAML mapping whose list "metadata" has an item for
// each configuration. A list as Nacos writes it is read item by item, whatever its length; other
// spellings of the same YAML are read up to 1 MiB. Faults: Invalid with CodeMetadata.
func ReadMetadata(r io.Reader) ([]Attributes, error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(512)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return nil, err
	}
	if blockList(head) {
		return readBlockList(in)
	}
	whole, err := io.ReadAll(io.LimitReader(in, maxWholeYAML+1))
	if err != nil {
		return nil, err
	}
	if len(whole) > maxWholeYAML {
		return nil, metadataFault("%s is not the block list that Nacos writes, and larger than 1 MiB", metadataV2)
	}
	var doc struct {
		Metadata []yaml.Node `yaml:"metadata"`
	}
	if err := unmarshal(whole, &doc); err != nil {
		return nil, metadataFault("%s is not YAML with a list 'metadata'", metadataV2)
	}
	var out []Attributes
	for i := range doc.Metadata {
		a, err := attributesOf(&doc.Metadata[i], i+1)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, metadataFault("%s lists nothing", metadataV2)
	}
	return out, nil
}

// unmarshal parses YAML; the library's panics on odd documents become errors.
func unmarshal(b []byte, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = metadataFault("it can't be parsed")
		}
	}()
	return yaml.Unmarshal(b, into)
}

// blockList reports whether a document begins with "metadata:" and an item of a block list.
func blockList(head []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(head, "\ufeff\r\n"), []byte("metadata:"))
	if !ok {
		return false
	}
	rest = bytes.TrimLeft(rest, " \r")
	if !bytes.HasPrefix(rest, []byte("\n")) {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(rest, " \r\n"), []byte("- "))
}

// readBlockList reads a block list an item at a time, so that a long one need not be held as a tree.
// That is sound as no line inside an item can begin with a dash at the indent of the list.
func readBlockList(in *bufio.Reader) ([]Attributes, error) {
	const maxItem = 64 << 10
	var out []Attributes
	var item []byte
	prefix := ""
	flush := func() error {
		if len(item) == 0 {
			return nil
		}
		var nodes []yaml.Node
		if err := unmarshal(item, &nodes); err != nil || len(nodes) != 1 {
			return metadataFault("item %d of %s is not YAML", len(out)+1, metadataV2)
		}
		a, err := attributesOf(&nodes[0], len(out)+1)
		if err != nil {
			return err
		}
		out = append(out, a)
		item = item[:0]
		return nil
	}
	for first := true; ; {
		line, err := readLine(in, maxItem)
		if err != nil && err != io.EOF {
			return nil, err
		}
		ended := err == io.EOF
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case first && strings.Contains(line, "metadata:"):
			first = false
		case prefix == "" && strings.HasPrefix(trimmed, "- "):
			prefix = line[:len(line)-len(trimmed)] + "- "
			fallthrough
		case prefix != "" && strings.HasPrefix(line, prefix):
			if err := flush(); err != nil {
				return nil, err
			}
			item = append(item, line...)
		case prefix != "":
			item = append(item, line...)
		}
		if len(item) > maxItem {
			return nil, metadataFault("item %d of %s has more than 64 KiB", len(out)+1, metadataV2)
		}
		if ended {
			break
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return out, nil
}

// readLine returns a line with its end; io.EOF comes with the last one.
func readLine(in *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > most {
			return "", metadataFault("%s has a line of more than %d bytes", metadataV2, most)
		}
		if err != bufio.ErrBufferFull {
			return string(line), err
		}
	}
}

func attributesOf(n *yaml.Node, number int) (Attributes, error) {
	if n.Kind != yaml.MappingNode {
		return Attributes{}, metadataFault("item %d of %s is not a mapping", number, metadataV2)
	}
	var a Attributes
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
			return Attributes{}, metadataFault("item %d of %s has a value that is not text", number, metadataV2)
		}
		if value.Tag == "!!null" {
			continue
		}
		text := value.Value
		switch key.Value {
		case "dataId":
			a.DataID = text
		case "group":
			a.Group = text
		case "type":
			a.Type = text
		case "appName":
			a.AppName = &text
		case "desc":
			a.Desc = &text
		case "configTags":
			a.Tags = splitTags(text)
		}
	}
	for name, value := range map[string]string{"dataId": a.DataID, "group": a.Group, "type": a.Type} {
		if strings.TrimSpace(value) == "" {
			return Attributes{}, metadataFault("item %d of %s has no %s", number, metadataV2, name)
		}
	}
	return a, nil
}

func splitTags(list string) []string {
	var tags []string
	for t := range strings.SplitSeq(list, ",") {
		if t != "" {
			tags = append(tags, t)
		}
	}
	return tags
}

// appendMetadata appends e's item of the second form, its keys in the order in which Nacos writes them.
func appendMetadata(b []byte, e *config.Entry, withTags bool) []byte {
	indent := "- "
	add := func(key, value string) {
		b = append(b, indent...)
		b = append(b, key...)
		b = append(b, ": "...)
		b = append(b, scalar(value)...)
		b = append(b, '\n')
		indent = "  "
	}
	add("appName", e.AppName)
	if withTags && len(e.Tags) > 0 {
		add("configTags", config.JoinTags(e.Tags))
	}
	add("dataId", e.Key.DataID)
	if e.Desc != nil {
		add("desc", *e.Desc)
	}
	add("group", e.Key.Group)
	add("type", e.Type)
	return b
}

// scalar returns a string as a YAML scalar: as it is where that reads back as the same string, else quoted.
func scalar(s string) string {
	if s == "" {
		return "''"
	}
	if strings.IndexFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) || r == unicode.ReplacementChar }) >= 0 {
		return doubleQuoted(s)
	}
	if plain(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// plain reports whether s needs no quotes. In doubt it says no.
func plain(s string) bool {
	if strings.TrimSpace(s) != s || strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") {
		return false
	}
	if c := s[0]; strings.IndexByte("-?:,[]{}#&*!|>'\"%@`=<~", c) >= 0 || c <= '9' && c != '/' && c != '_' && strings.Contains(s, ":") {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	var n yaml.Node
	if unmarshal([]byte(s), &n) != nil || len(n.Content) != 1 {
		return false
	}
	return n.Content[0].Kind == yaml.ScalarNode && n.Content[0].Tag == "!!str" && n.Content[0].Value == s
}

func doubleQuoted(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r) && r != unicode.ReplacementChar:
			b.WriteRune(r)
		case r < 0x100:
			b.WriteString(`\x`)
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		default:
			b.WriteString(`\U`)
			for shift := 28; shift >= 0; shift -= 4 {
				b.WriteByte(hex[r>>shift&15])
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

// IsMetadata reports whether the entry or file called name, at the root, holds metadata.
func IsMetadata(name string) bool { return name == metadataV1 || name == metadataV2 }

// Metadata is what a metadata file of either form says of configurations.
type Metadata struct {
	apps  map[string]string
	items map[Name]Attributes
}

// ParseMetadata reads the metadata file called name. Faults: Invalid with CodeMetadata.
func ParseMetadata(name string, r io.Reader) (*Metadata, error) {
	if name == metadataV1 {
		apps, err := readMetadataV1(r)
		return &Metadata{apps: apps}, err
	}
	list, err := ReadMetadata(r)
	if err != nil {
		return nil, err
	}
	m := &Metadata{items: make(map[Name]Attributes, len(list))}
	for _, a := range list {
		if _, twice := m.items[a.Name]; !twice {
			m.items[a.Name] = a
		}
	}
	return m, nil
}

// Describe adds to a what the metadata say of the configuration that it names.
func (m *Metadata) Describe(a *Attributes) {
	if said, ok := m.items[a.Name]; ok {
		*a = said
	}
	if app, ok := m.apps[appKey(a.Name)]; ok {
		a.AppName = &app
	}
}
