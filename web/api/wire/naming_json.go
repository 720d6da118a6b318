package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"nacre/server/naming"
)

// object reads an object of JSON of one level, which is what metadata and most of a heartbeat are, without an allocation for
// each part of it. What is not as simple as that is left to the standard library.
type object struct {
	text string
	at   int
}

func (o *object) blank() {
	for o.at < len(o.text) && strings.IndexByte(" \t\r\n", o.text[o.at]) >= 0 {
		o.at++
	}
}

// take takes c, after blanks.
func (o *object) take(c byte) bool {
	o.blank()
	if o.at < len(o.text) && o.text[o.at] == c {
		o.at++
		return true
	}
	return false
}

// word takes a text that is ASCII without escapes.
func (o *object) word() (string, bool) {
	if !o.take('"') {
		return "", false
	}
	from := o.at
	for ; o.at < len(o.text); o.at++ {
		switch c := o.text[o.at]; {
		case c == '"':
			o.at++
			return o.text[from : o.at-1], true
		case c == '\\' || c < 0x20 || c >= 0x80:
			return "", false
		}
	}
	return "", false
}

// number takes a number as it is written, if it is one.
func (o *object) number() (string, bool) {
	o.blank()
	from := o.at
	for o.at < len(o.text) && strings.IndexByte("+-.0123456789eE", o.text[o.at]) >= 0 {
		o.at++
	}
	text := o.text[from:o.at]
	return text, json.Valid([]byte(text))
}

// literal takes true, false or null.
func (o *object) literal() (string, bool) {
	o.blank()
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(o.text[o.at:], word) {
			o.at += len(word)
			return word, true
		}
	}
	return "", false
}

// scalar takes a text, number or literal; null is "" and not there.
func (o *object) scalar() (text string, there, ok bool) {
	o.blank()
	if o.at == len(o.text) {
		return "", false, false
	}
	switch c := o.text[o.at]; {
	case c == '"':
		text, ok = o.word()
		return text, true, ok
	case c == '-' || c >= '0' && c <= '9':
		text, ok = o.number()
		return text, true, ok
	}
	text, ok = o.literal()
	if text == "null" {
		return "", false, ok
	}
	return text, true, ok
}

// each calls f at each value of an object; f takes the value and reports whether it could.
func (o *object) each(f func(key string) bool) bool {
	if !o.take('{') {
		return false
	}
	if o.take('}') {
		return true
	}
	for {
		key, ok := o.word()
		if !ok || !o.take(':') || !f(key) {
			return false
		}
		if o.take('}') {
			return true
		}
		if !o.take(',') {
			return false
		}
	}
}

// pairs takes an object of scalars.
func (o *object) pairs() (naming.Metadata, bool) {
	var m naming.Metadata
	sorted := true
	ok := o.each(func(key string) bool {
		text, there, ok := o.scalar()
		sorted = sorted && (len(m) == 0 || m[len(m)-1].Key < key)
		m = append(m, naming.Pair{Key: key, Value: text})
		return ok && there // null takes back what the key had before
	})
	if ok && !sorted {
		slices.SortStableFunc(m, func(a, b naming.Pair) int { return strings.Compare(a.Key, b.Key) })
		last := m[:0]
		for i, one := range m { // of a key that is there twice the last counts
			if i+1 == len(m) || m[i+1].Key != one.Key {
				last = append(last, one)
			}
		}
		m = last
	}
	return m, ok
}

func (o *object) ended() bool {
	o.blank()
	return o.at == len(o.text)
}

// flatObject reads an object of JSON whose values are scalars. What it returns shares the bytes of text.
func flatObject(text string) (naming.Metadata, bool) {
	o := object{text: text}
	if m, ok := o.pairs(); ok && o.ended() {
		return m, true
	}
	var decoded map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&decoded) != nil || decoded == nil && strings.TrimSpace(text) != "null" {
		return nil, false
	}
	return metadataOfAny(decoded)
}

func metadataOfAny(decoded map[string]any) (naming.Metadata, bool) {
	m := make(map[string]string, len(decoded))
	for key, v := range decoded {
		text, there, ok := textOfAny(v)
		if !ok {
			return nil, false
		}
		if there {
			m[key] = text
		}
	}
	return naming.MetadataOf(m), true
}

// textOfAny returns a scalar as text.
func textOfAny(v any) (text string, there, ok bool) {
	switch v := v.(type) {
	case nil:
		return "", false, true
	case string:
		return v, true, true
	case json.Number:
		return v.String(), true, true
	case bool:
		return strconv.FormatBool(v), true, true
	}
	return "", false, false
}

// BeatInfo is what a full heartbeat says.
type BeatInfo struct {
	IP, Cluster string
	Port        int
	Weight      float64
	Metadata    naming.Metadata
}

// set takes a field of a heartbeat; it reports false when the value can't be.
func (b *BeatInfo) set(key, text string) bool {
	var err error
	switch key {
	case "ip":
		b.IP = text
	case "cluster":
		b.Cluster = text
	case "port":
		b.Port, err = strconv.Atoi(strings.TrimSpace(text))
	case "weight":
		b.Weight, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
	}
	return err == nil
}

// maxBeat is the most bytes of the parameter beat.
const maxBeat = 64 << 10

// Beat reads the parameter beat. What it returns shares the bytes of text.
func Beat(text string) (BeatInfo, bool) {
	var b BeatInfo
	if len(text) > maxBeat {
		return b, false
	}
	o := object{text: text}
	if o.each(func(key string) (ok bool) {
		if key == "metadata" {
			b.Metadata, ok = o.pairs()
			return ok
		}
		value, there, ok := o.scalar()
		switch key {
		case "ip", "cluster", "port", "weight":
			return ok && there && b.set(key, value)
		}
		return ok
	}) && o.ended() {
		return b, true
	}
	return slowBeat(text)
}

// slowBeat is Beat for anything that is JSON.
func slowBeat(text string) (b BeatInfo, ok bool) {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&fields) != nil || fields == nil {
		return b, false
	}
	for _, key := range [...]string{"ip", "cluster", "port", "weight"} {
		value, there, ok := textOfAny(fields[key])
		if !ok || there && !b.set(key, value) {
			return b, false
		}
	}
	switch m := fields["metadata"].(type) {
	case nil:
	case map[string]any:
		if b.Metadata, ok = metadataOfAny(m); !ok {
			return b, false
		}
	default:
		return b, false
	}
	return b, true
}

// appendDecimal appends a number as Java writes a double.
func appendDecimal(b []byte, f float64) []byte {
	from := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

// Decimal returns a number for JSON as Java writes a double.
func Decimal(f float64) json.Number { return json.Number(appendDecimal(nil, f)) }

func appendText(b []byte, s string) []byte { return AppendJSON(b, unsafeBytes(s)) }

func appendField(b []byte, before, s string) []byte { return appendText(append(b, before...), s) }

func appendBool(b []byte, before string, v bool) []byte {
	return strconv.AppendBool(append(b, before...), v)
}

func appendInt(b []byte, before string, n int64) []byte {
	return strconv.AppendInt(append(b, before...), n, 10)
}

func appendMetadata(b []byte, m naming.Metadata) []byte {
	b = append(b, '{')
	for i, one := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, one.Key), ':')
		b = appendText(b, one.Value)
	}
	return append(b, '}')
}

// idGeneratorKey is the key of metadata that says how an instance's id is made.
const idGeneratorKey = "preserved.instance.id.generator"

// AppendInstance appends an instance of service k as Nacos writes one.
func AppendInstance(b []byte, k naming.Key, i *naming.Instance) []byte {
	b = append(b, '{')
	if i.IDForm != naming.IDNone {
		var id [192]byte
		b = AppendJSON(append(b, `"instanceId":`...), i.AppendID(id[:0], k))
		b = append(b, ',')
	}
	b = appendField(b, `"ip":`, i.IP)
	b = appendInt(b, `,"port":`, int64(i.Port))
	b = appendDecimal(append(b, `,"weight":`...), i.Weight)
	b = appendBool(b, `,"healthy":`, i.Healthy)
	b = appendBool(b, `,"enabled":`, i.Enabled)
	b = appendBool(b, `,"ephemeral":`, i.Ephemeral)
	b = appendField(b, `,"clusterName":`, i.Cluster)
	b = appendGrouped(append(b, `,"serviceName":`...), k)
	b = appendMetadata(append(b, `,"metadata":`...), i.Metadata)
	beats := naming.BeatsOf(i.Metadata)
	b = appendInt(b, `,"instanceHeartBeatInterval":`, beats.IntervalMs)
	b = appendInt(b, `,"instanceHeartBeatTimeOut":`, beats.TimeoutMs)
	b = appendInt(b, `,"ipDeleteTimeout":`, beats.DeleteMs)
	if len(i.Metadata) == 0 {
		b = append(b, `,"instanceIdGenerator":"simple"`...)
	} else if generator, ok := i.Metadata.Get(idGeneratorKey); ok {
		b = appendField(b, `,"instanceIdGenerator":`, generator)
	}
	return append(b, '}')
}

func appendGrouped(b []byte, k naming.Key) []byte {
	b = appendText(b, k.Group)
	b = append(b[:len(b)-1], "@@"...)
	at := len(b)
	b = appendText(b, k.Name)
	return append(b[:at], b[at+1:]...) // without the quote between the two
}

// AppendInstances appends a list of instances of service k.
func AppendInstances(b []byte, k naming.Key, list []*naming.Instance) []byte {
	b = append(b, '[')
	for n, i := range list {
		if n > 0 {
			b = append(b, ',')
		}
		b = AppendInstance(b, k, i)
	}
	return append(b, ']')
}

// The forms of a view that are kept. The last ones belong to the edges that are not HTTP.
const (
	formV1 = iota // an object
	formV2        // the same in an envelope
	formV3        // the list of instances in an envelope
)

// appendView appends what a client is told of a service. Both spellings of allIPs are read by some library.
func appendView(b []byte, v *naming.View, cacheMs int64) []byte {
	b = appendGrouped(append(b, `{"name":`...), v.Key)
	b = appendField(b, `,"groupName":`, v.Key.Group)
	return appendRest(b, v, cacheMs)
}

// AppendUngrouped appends what clients of 1.x are pushed of a service: they know a group as a part of the name alone.
func AppendUngrouped(b []byte, v *naming.View, cacheMs int64) []byte {
	return appendRest(appendGrouped(append(b, `{"name":`...), v.Key), v, cacheMs)
}

func appendRest(b []byte, v *naming.View, cacheMs int64) []byte {
	b = appendField(b, `,"clusters":`, v.Clusters)
	b = appendInt(b, `,"cacheMillis":`, cacheMs)
	b = AppendInstances(append(b, `,"hosts":`...), v.Key, v.Hosts)
	b = appendInt(b, `,"lastRefTime":`, v.LastRefMs)
	b = appendBool(b, `,"checksum":"","allIPs":false,"allIps":false,"reachProtectionThreshold":`, v.Protected)
	return append(b, `,"valid":true}`...)
}
