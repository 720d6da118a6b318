// Package archive moves everything that must not be lost from one server to another, whatever each keeps it in: its form in a
// file, what is counted and compared, and how a server takes it over.
//
// An archive is a gzip of lines of JSON: one that says what it is, one a row, and one with the counts and the SHA-256 of
// everything before it, without which nothing is taken from it. Rows have no numbers that a server gave: they are found by
// their names. Sessions, drafts and what lives by connections are not in it.
package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"nacre/server/fault"
	"nacre/server/journal"
)

// Version is that of the form of archives.
const Version = 1

// magic is what the first line says of the file.
const magic = "everything"

// Header says what an archive is.
type Header struct {
	Nacre   string `json:"nacre"`
	Version int    `json:"version"`
	MadeMs  int64  `json:"madeMs"`
	Server  string `json:"server"` // its version
}

// Count is how many rows there are of a kind, and their digest.
type Count struct {
	Rows   int64  `json:"rows"`
	Digest Digest `json:"digest"`
}

// Counts are those of all kinds of which there are rows.
type Counts map[Kind]Count

// Add counts a row.
func (c Counts) Add(k Kind, d Digest) {
	n := c[k]
	c[k] = Count{n.Rows + 1, n.Digest.Add(d)}
}

// Total returns how many rows there are in all.
func (c Counts) Total() (n int64) {
	for _, one := range c {
		n += one.Rows
	}
	return n
}

// Line is a row as it stands in a file and in a request.
type Line struct {
	Kind Kind            `json:"kind"`
	Row  json.RawMessage `json:"row"`
}

type end struct {
	End      bool   `json:"end"`
	Revision uint64 `json:"revision"` // of the last change that is in it
	Counts   Counts `json:"counts"`   // with times in ms
	SHA256   string `json:"sha256"`
}

// Writer writes an archive. Its first error stays.
type Writer struct {
	// Revision is that of the last change, for the last line.
	Revision uint64

	zip    *gzip.Writer
	sum    hash.Hash
	counts Counts
	err    error
}

// NewWriter writes the first line to w.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	a := &Writer{zip: zip, sum: sha256.New(), counts: Counts{}}
	h.Nacre, h.Version = magic, Version
	a.line(h)
	return a, a.err
}

func (w *Writer) line(v any) {
	if w.err != nil {
		return
	}
	var text []byte
	if text, w.err = marshal(v); w.err != nil {
		return
	}
	text = append(text, '\n')
	w.sum.Write(text)
	_, w.err = w.zip.Write(text)
}

// Add writes a row: a change with After alone.
func (w *Writer) Add(c journal.Change) error {
	kind, row := rowOf(c)
	w.line(struct {
		Kind Kind `json:"kind"`
		Row  any  `json:"row"`
	}{kind, row})
	w.counts.Add(kind, DigestOf(c, Milliseconds))
	return w.err
}

// Close writes the last line. It does not close what w writes to.
func (w *Writer) Close() error {
	w.line(end{true, w.Revision, w.counts, hex.EncodeToString(w.sum.Sum(nil))})
	return errors.Join(w.err, w.zip.Close())
}

// maxLine bounds the memory that a reader takes for one row.
const maxLine = 256 << 20

// Reader reads an archive row by row.
type Reader struct {
	Header Header
	// Revision is that of the last change, once all was read.
	Revision uint64

	zip    *gzip.Reader
	in     *bufio.Reader
	raw    *bufio.Reader
	sum    hash.Hash
	counts Counts
	buf    []byte
	ended  bool
}

func broken(err error, format string, args ...any) error {
	return fault.Wrap(fault.Invalid, err, format, args...)
}

// NewReader reads the first line of r. Faults: Invalid, which say what r is instead of an archive.
func NewReader(r io.Reader) (*Reader, error) {
	raw := bufio.NewReader(r)
	head, _ := raw.Peek(2)
	switch {
	case string(head) == "PK":
		return nil, fault.New(fault.Invalid, "it is a ZIP: that of configurations is imported without --everything")
	case string(head) != "\x1f\x8b":
		return nil, fault.New(fault.Invalid, "it is no archive that nacre export --everything wrote")
	}
	zip, err := gzip.NewReader(raw)
	if err != nil {
		return nil, broken(err, "it is no archive that nacre export --everything wrote: %v", err)
	}
	zip.Multistream(false)
	a := &Reader{zip: zip, raw: raw, in: bufio.NewReaderSize(zip, 64<<10), sum: sha256.New(), counts: Counts{}}
	line, err := a.line()
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(line, &a.Header) != nil || a.Header.Nacre != magic {
		return nil, fault.New(fault.Invalid, "it is no archive that nacre export --everything wrote")
	}
	if a.Header.Version != Version {
		return nil, fault.New(fault.Invalid, "the archive has the form %d, of Nacre %.40s; this one, which reads the form %d, is too old for it", a.Header.Version, a.Header.Server, Version)
	}
	a.sum.Write(line)
	return a, nil
}

// line returns the next line with its end, which is valid until the next call.
func (a *Reader) line() ([]byte, error) {
	a.buf = a.buf[:0]
	for {
		part, err := a.in.ReadSlice('\n')
		if len(a.buf)+len(part) > maxLine {
			return nil, fault.New(fault.Invalid, "a row has more than %d MiB", maxLine>>20)
		}
		a.buf = append(a.buf, part...)
		switch {
		case err == nil:
			return a.buf, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, broken(err, "the archive is cut off after %d rows; export it anew", a.counts.Total())
		default:
			return nil, broken(err, "the archive is damaged after %d rows: %v; export it anew", a.counts.Total(), err)
		}
	}
}

// Next returns the next row, and io.EOF when all were read and the archive is whole: before, nothing may be taken from it that
// can't be given back. The row is valid until the next call. Faults: Invalid, which say what is wrong with the archive.
func (a *Reader) Next() (Line, journal.Change, error) {
	if a.ended {
		return Line{}, nil, io.EOF
	}
	text, err := a.line()
	if err != nil {
		return Line{}, nil, err
	}
	var line struct {
		end
		Line
	}
	if err := strict(text, &line); err != nil {
		return Line{}, nil, broken(err, "row %d of the archive can't be read: %v; export it anew", a.counts.Total()+1, err)
	}
	if line.End {
		return Line{}, nil, a.finish(&line.end)
	}
	c, err := Decode(line.Kind, line.Row)
	if err != nil {
		return Line{}, nil, broken(err, "row %d of the archive can't be read: %v; export it anew", a.counts.Total()+1, err)
	}
	a.sum.Write(text)
	a.counts.Add(line.Kind, DigestOf(c, Milliseconds))
	return line.Line, c, nil
}

func (a *Reader) finish(e *end) error {
	if want := hex.EncodeToString(a.sum.Sum(nil)); e.SHA256 != want {
		return fault.New(fault.Invalid, "the archive is damaged: its SHA-256 is %s, not %.64s as its last line says; export it anew", want, e.SHA256)
	}
	for _, k := range Kinds {
		if e.Counts[k] != a.counts[k] {
			return fault.New(fault.Invalid, "the archive has %d rows of the kind %s, not %d as its last line says; export it anew", a.counts[k].Rows, k, e.Counts[k].Rows)
		}
	}
	if _, err := a.in.ReadByte(); !errors.Is(err, io.EOF) {
		return broken(err, "the archive is damaged at its end; export it anew")
	}
	if _, err := a.raw.ReadByte(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "something follows the end of the archive; it is not as nacre export wrote it")
	}
	a.ended, a.Revision = true, e.Revision
	return io.EOF
}

// Counts returns those of the rows that were read.
func (a *Reader) Counts() Counts { return a.counts }

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// String shows a line's beginning, for messages.
func (l Line) String() string {
	return fmt.Sprintf("%s %.80s", l.Kind, bytes.TrimSpace(l.Row))
}
