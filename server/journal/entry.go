package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An entry is a group of commands as it stands in the raft log: a version byte, then per command its
// kind (uvarint), the length of its body (uvarint) and the body. The log around it has the checksum.
const entryVersion = 1

var errEntry = errors.New("entry is cut short")

// EncodeEntry returns the entry that holds group.
func EncodeEntry(group []Command) []byte {
	size := 1
	for _, c := range group {
		size += len(c.Body) + 2*binary.MaxVarintLen32
	}
	b := append(make([]byte, 0, size), entryVersion)
	for _, c := range group {
		b = binary.AppendUvarint(b, uint64(c.Kind))
		b = binary.AppendUvarint(b, uint64(len(c.Body)))
		b = append(b, c.Body...)
	}
	return b
}

// DecodeEntry returns the group that an entry holds. The bodies alias b.
func DecodeEntry(b []byte) ([]Command, error) {
	if len(b) == 0 || b[0] != entryVersion {
		return nil, fmt.Errorf("entry has an unknown version")
	}
	var group []Command
	for b = b[1:]; len(b) > 0; {
		kind, n := binary.Uvarint(b)
		if n <= 0 || kind > 0xffff {
			return nil, errEntry
		}
		size, m := binary.Uvarint(b[n:])
		if m <= 0 || size > uint64(len(b)-n-m) {
			return nil, errEntry
		}
		b = b[n+m:]
		group = append(group, Command{Kind: Kind(kind), Body: b[:size:size]})
		b = b[size:]
	}
	return group, nil
}
