// Package payload is the form of the Nacos gRPC protocol on the wire (grpc.md §1, §2): the protobuf
// envelope that every message travels in, and the JSON inside it.
package payload

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the envelope's fields (grpc.md §1, Messages).
const (
	fieldMetadata = 2
	fieldBody     = 3
	fieldType     = 3
	fieldHeaders  = 7
	fieldClientIP = 8
	fieldValue    = 2
)

// Message is one message as it was read. Its parts alias the bytes that it was read from.
type Message struct {
	Type     []byte
	ClientIP []byte
	// Body is the JSON text, nil when there is none.
	Body []byte

	meta []byte
}

var errEnvelope = errors.New("not an envelope of the protocol")

// Decode reads an envelope. What it returns aliases b.
func Decode(b []byte) (Message, error) {
	var m Message
	for len(b) > 0 {
		n, v, rest, err := field(b)
		if err != nil {
			return Message{}, err
		}
		b = rest
		switch n {
		case fieldMetadata:
			m.meta = v
		case fieldBody:
			for len(v) > 0 {
				n, x, rest, err := field(v)
				if err != nil {
					return Message{}, err
				}
				if v = rest; n == fieldValue {
					m.Body = x
				}
			}
		}
	}
	for meta := m.meta; len(meta) > 0; {
		n, v, rest, err := field(meta)
		if err != nil {
			return Message{}, err
		}
		switch meta = rest; n {
		case fieldType:
			m.Type = v
		case fieldClientIP:
			m.ClientIP = v
		}
	}
	return m, nil
}

// Header returns the value of a header, "" when it was not sent. Names are compared without case, as
// Nacos does.
func (m *Message) Header(name string) string {
	for meta := m.meta; len(meta) > 0; {
		n, v, rest, err := field(meta)
		if err != nil {
			return ""
		}
		if meta = rest; n != fieldHeaders {
			continue
		}
		var key, value []byte
		for len(v) > 0 {
			n, x, rest, err := field(v)
			if err != nil {
				return ""
			}
			switch v = rest; n {
			case 1:
				key = x
			case 2:
				value = x
			}
		}
		if len(key) == len(name) && strings.EqualFold(string(key), name) {
			return string(value)
		}
	}
	return ""
}

// field reads the next field of b. v is nil for fields that are not length-delimited.
func field(b []byte) (n protowire.Number, v, rest []byte, err error) {
	n, typ, used := protowire.ConsumeTag(b)
	if used < 0 {
		return 0, nil, nil, errEnvelope
	}
	b = b[used:]
	if typ == protowire.BytesType {
		if v, used = protowire.ConsumeBytes(b); used < 0 {
			return 0, nil, nil, errEnvelope
		}
		return n, v, b[used:], nil
	}
	if used = protowire.ConsumeFieldValue(n, typ, b); used < 0 {
		return 0, nil, nil, errEnvelope
	}
	return 0, nil, b[used:], nil
}

// Encode returns the envelope of a message with this type and JSON body; clientIP "" is left out, as in
// answers.
func Encode(typ, clientIP string, body []byte) []byte {
	return append(Head(typ, clientIP, len(body), len(body)), body...)
}

// Head returns what stands before a body of size bytes, with room for room more, so that the body can be
// appended in place.
func Head(typ, clientIP string, size, room int) []byte {
	const tag = 1 // bytes that each tag here takes
	meta := tag + protowire.SizeBytes(len(typ))
	if clientIP != "" {
		meta += tag + protowire.SizeBytes(len(clientIP))
	}
	body := tag + protowire.SizeBytes(size)
	head := tag + protowire.SizeBytes(meta) + tag + protowire.SizeBytes(body) - size
	out := make([]byte, 0, head+room)
	out = protowire.AppendTag(out, fieldMetadata, protowire.BytesType)
	out = protowire.AppendVarint(out, uint64(meta))
	out = protowire.AppendTag(out, fieldType, protowire.BytesType)
	out = protowire.AppendString(out, typ)
	if clientIP != "" {
		out = protowire.AppendTag(out, fieldClientIP, protowire.BytesType)
		out = protowire.AppendString(out, clientIP)
	}
	out = protowire.AppendTag(out, fieldBody, protowire.BytesType)
	out = protowire.AppendVarint(out, uint64(body))
	out = protowire.AppendTag(out, fieldValue, protowire.BytesType)
	return protowire.AppendVarint(out, uint64(size))
}
