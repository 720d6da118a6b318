package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxSSE is the length in bytes of the longest line, and of all data lines of one event.
const maxSSE = 1 << 20

// serverSent is one event of a stream of server-sent events.
type serverSent struct {
	// ID is the last that the stream had, of an earlier event when this one has none.
	ID   string
	Name string
	Data string
}

// sseReader reads a stream of server-sent events.
type sseReader struct {
	in *bufio.Reader
	id string
	// alive is called for each line that came, also a comment.
	alive func()
}

func newSSEReader(in io.Reader, alive func()) *sseReader {
	return &sseReader{in: bufio.NewReader(in), alive: alive}
}

// next returns the next event. One without data only says a new ID: its Data is empty. The error is that of the stream; what
// came of an event before it is dropped.
func (r *sseReader) next() (serverSent, error) {
	e := serverSent{}
	var data []string
	size, said := 0, false
	for {
		line, err := r.line()
		if err != nil {
			return serverSent{}, err
		}
		r.alive()
		if line == "" {
			if said {
				e.ID, e.Data = r.id, strings.Join(data, "\n")
				return e, nil
			}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			if !strings.Contains(value, "\x00") {
				r.id, said = value, true
			}
		case "event":
			e.Name, said = value, true
		case "data":
			if size += len(value) + 1; size > maxSSE {
				return serverSent{}, fmt.Errorf("an event has more than %d bytes", maxSSE)
			}
			data, said = append(data, value), true
		}
	}
}

func (r *sseReader) line() (string, error) {
	var b []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(b)+len(part) > maxSSE {
			return "", fmt.Errorf("a line has more than %d bytes", maxSSE)
		}
		b = append(b, part...)
		if err == nil {
			return strings.TrimSuffix(string(b[:len(b)-1]), "\r"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}
