package transfer

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"nacre/server/fault"
)

// Item is a configuration that an archive holds.
type Item struct {
	Attributes
	// Size is the length of the content in bytes, MD5 its digest in lower-case hex.
	Size int64
	MD5  string
	file *zip.File
}

// Archive is a ZIP of Nacos' that was read through and checked once. Contents stay packed.
type Archive struct {
	// Items stand in the order of the archive or, where there is one, of the second metadata form.
	Items        []Item
	Unrecognized []Unrecognized
	// Version is the form of the metadata: 1, 2, or 0 for an archive without.
	Version int
}

// Open reads the archive of size bytes at r. Every entry is unpacked once, through a small buffer,
// so that later nothing of it is found to be damaged, too large or not text; r must stay readable
// for Content. Faults: CodeEmpty for what is no ZIP or has no entry group/dataId, CodeMetadata,
// CodeBroken, and CodeTooMuch (kind Limited).
func Open(r io.ReaderAt, size int64, limits Limits) (*Archive, error) {
	limits = limits.withDefaults()
	if err := checkZIP(r, size, limits); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, broken(err, "the ZIP is damaged: its directory can't be read")
	}
	if len(z.File) > limits.MaxEntries {
		return nil, tooMuch("the ZIP has %d entries, at most %d are allowed", len(z.File), limits.MaxEntries)
	}
	o := opening{limits: limits, buf: make([]byte, 32<<10), left: limits.MaxUnpacked}
	if err := o.read(z.File); err != nil {
		return nil, err
	}
	if len(o.Items) == 0 && len(o.Unrecognized) == 0 {
		return nil, emptyFault("the ZIP is empty")
	}
	return &o.Archive, nil
}

// Content unpacks an item's content.
func (a *Archive) Content(i int) ([]byte, error) {
	it := &a.Items[i]
	in, err := it.file.Open()
	if err != nil {
		return nil, broken(err, "entry %s can't be unpacked", it.Name)
	}
	defer in.Close()
	content := make([]byte, it.Size)
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, broken(err, "entry %s can't be unpacked", it.Name)
	}
	return content, nil
}

func broken(err error, format string, args ...any) error {
	return fault.Wrap(fault.Invalid, err, format, args...).WithCode(CodeBroken)
}

// checkZIP looks at the raw bytes: what does not begin as a ZIP is none, and one with more directory
// records than entries are allowed is refused before memory is spent on each.
func checkZIP(r io.ReaderAt, size int64, limits Limits) error {
	var head [4]byte
	if n, err := r.ReadAt(head[:], 0); n < len(head) {
		if err != nil && err != io.EOF {
			return fmt.Errorf("read the ZIP: %w", err)
		}
		return emptyFault("the file is not a ZIP: it has %d bytes", size)
	}
	switch string(head[:]) {
	case "PK\x03\x04", "PK\x05\x06":
	default:
		return emptyFault("the file is not a ZIP: it does not begin with the signature of one")
	}
	record := []byte("PK\x01\x02")
	buf := make([]byte, 64<<10)
	records := 0
	for at, kept := int64(0), 0; ; {
		n, err := r.ReadAt(buf[kept:], at)
		at += int64(n)
		data := buf[:kept+n]
		if records += bytes.Count(data, record); records > limits.MaxEntries {
			return tooMuch("the ZIP has more than %d entries, which are allowed", limits.MaxEntries)
		}
		if err == io.EOF || at >= size {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the ZIP: %w", err)
		}
		kept = copy(buf, data[len(data)-len(record)+1:])
	}
}

// opening is one Open under way.
type opening struct {
	Archive
	limits Limits
	buf    []byte
	left   int64
}

func (o *opening) read(files []*zip.File) error {
	metadata := findMetadata(files)
	if metadata != nil && metadata.Name == metadataV2 {
		o.Version = 2
		return o.readV2(files, metadata)
	}
	var apps map[string]string
	if metadata != nil {
		o.Version = 1
		in, err := o.open(metadata)
		if err != nil {
			return err
		}
		defer in.Close()
		if apps, err = readMetadataV1(in); err != nil {
			return o.readFault(err, metadata)
		}
	}
	for _, e := range o.entries(files, metadata) {
		it := Item{Attributes: Attributes{Name: e.name, Type: TypeOf(e.name.DataID)}, file: e.file}
		if app, ok := apps[appKey(e.name)]; ok {
			it.AppName = &app
		}
		if err := o.add(it); err != nil {
			return err
		}
	}
	return nil
}

func (o *opening) readV2(files []*zip.File, metadata *zip.File) error {
	in, err := o.open(metadata)
	if err != nil {
		return err
	}
	defer in.Close()
	list, err := ReadMetadata(in)
	if err != nil {
		return o.readFault(err, metadata)
	}
	if len(list) > o.limits.MaxEntries {
		return tooMuch("the metadata list %d configurations, at most %d are allowed", len(list), o.limits.MaxEntries)
	}
	listed := make(map[Name]bool, len(list))
	for i := range list {
		listed[list[i].Name] = true
	}
	byName := make(map[Name]*zip.File, len(list))
	for _, e := range o.entries(files, metadata) {
		if !listed[e.name] {
			o.leave(e.file.Name, NotInMetadata, "")
			continue
		}
		byName[e.name] = e.file
	}
	for _, a := range list {
		file := byName[a.Name]
		if file == nil {
			reason := NotInFile
			if !listed[a.Name] {
				reason = Duplicate
			}
			o.leave(a.Name.String(), reason, "")
			continue
		}
		delete(byName, a.Name)
		delete(listed, a.Name)
		if err := o.add(Item{Attributes: a, file: file}); err != nil {
			return err
		}
	}
	return nil
}

// findMetadata returns the first entry that is metadata of either form.
func findMetadata(files []*zip.File) *zip.File {
	for _, f := range files {
		if f.Name == metadataV1 || f.Name == metadataV2 {
			return f
		}
	}
	return nil
}

type entry struct {
	name Name
	file *zip.File
}

// entries returns those whose path is group/dataId; of several with one name the last, as unpacking
// them would leave.
func (o *opening) entries(files []*zip.File, metadata *zip.File) []entry {
	last := make(map[Name]*zip.File, len(files))
	out := make([]entry, 0, len(files))
	for _, f := range files {
		if f == metadata || strings.HasSuffix(f.Name, "/") {
			continue
		}
		group, dataID, ok := strings.Cut(f.Name, "/")
		if !ok || strings.Contains(dataID, "/") {
			o.leave(f.Name, NotTwoParts, "")
			continue
		}
		n := Name{group, dataID}
		if !f.Mode().IsRegular() {
			o.leave(f.Name, Illegal, "it is a link or device, not a file")
			continue
		}
		last[n] = f
		out = append(out, entry{n, f})
	}
	kept := out[:0]
	for _, e := range out {
		if last[e.name] != e.file {
			o.leave(e.file.Name, Duplicate, "")
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

func (o *opening) leave(item string, why Reason, text string) {
	o.Unrecognized = append(o.Unrecognized, Unrecognized{Item: shown(item), Reason: why, Text: text})
}

// open starts to unpack an entry and counts it against what the archive may have.
func (o *opening) open(f *zip.File) (io.ReadCloser, error) {
	if f.UncompressedSize64 > uint64(o.left) {
		return nil, tooMuch("the ZIP has more than %d bytes unpacked, which are allowed", o.limits.MaxUnpacked)
	}
	o.left -= int64(f.UncompressedSize64)
	in, err := f.Open()
	if err != nil {
		return nil, o.readFault(err, f)
	}
	return limitedFile{io.LimitReader(in, int64(f.UncompressedSize64)+1), in}, nil
}

// limitedFile unpacks at most what the directory says, however much there is.
type limitedFile struct {
	io.Reader
	io.Closer
}

func (o *opening) readFault(err error, f *zip.File) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	return broken(err, "the ZIP is damaged: entry %s can't be unpacked", shown(f.Name))
}

// add reads an entry through and adds it as an item when a configuration can be made of it.
func (o *opening) add(it Item) error {
	if text := illegalName(it.Name); text != "" {
		o.leave(it.file.Name, Illegal, text)
		return nil
	}
	if it.file.UncompressedSize64 > uint64(o.limits.MaxContent) {
		o.leave(it.file.Name, Illegal, fmt.Sprintf("it has %d bytes, at most %d are allowed", it.file.UncompressedSize64, o.limits.MaxContent))
		return nil
	}
	in, err := o.open(it.file)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := md5.New()
	var text textCheck
	for {
		n, err := in.Read(o.buf)
		it.Size += int64(n)
		sum.Write(o.buf[:n])
		text.write(o.buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return o.readFault(err, it.file)
		}
	}
	if it.Size != int64(it.file.UncompressedSize64) {
		return o.readFault(errors.New("its size is not the one that the directory names"), it.file)
	}
	if why := text.end(); why != "" {
		o.leave(it.file.Name, Illegal, why)
		return nil
	}
	it.MD5 = hex.EncodeToString(sum.Sum(nil))
	o.Items = append(o.Items, it)
	return nil
}

// BlankText is what CheckText says of a blank content.
const BlankText = "it is blank"

// CheckText returns why content can't be that of a configuration, "" when it can.
func CheckText(content []byte) string {
	var t textCheck
	t.write(content)
	return t.end()
}

// textCheck finds out whether bytes that come in pieces are UTF-8 and not blank.
type textCheck struct {
	rest  [utf8.UTFMax]byte // a character that is not complete yet
	n     int
	at    int64
	badAt int64
	bad   bool
	ink   bool
}

func (t *textCheck) write(b []byte) {
	for t.n > 0 && len(b) > 0 && !t.bad {
		t.rest[t.n] = b[0]
		t.n++
		b = b[1:]
		if utf8.FullRune(t.rest[:t.n]) {
			t.take(t.rest[:t.n])
			t.n = 0
		}
	}
	if t.bad || len(b) == 0 {
		return
	}
	whole := len(b)
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				whole = len(b) - i
			}
			break
		}
	}
	t.take(b[:whole])
	if !t.bad {
		t.n = copy(t.rest[:], b[whole:])
	}
}

func (t *textCheck) take(b []byte) {
	if !utf8.Valid(b) {
		for i := 0; i < len(b); {
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				t.bad, t.badAt = true, t.at+int64(i)
				return
			}
			i += n
		}
	}
	t.at += int64(len(b))
	for i := 0; !t.ink && i < len(b); i++ {
		t.ink = b[i] > ' '
	}
}

func (t *textCheck) end() string {
	switch {
	case !t.bad && t.n > 0:
		t.bad, t.badAt = true, t.at
		fallthrough
	case t.bad:
		return fmt.Sprintf("it is not UTF-8: byte %d is not part of a character", t.badAt)
	case !t.ink:
		return BlankText
	}
	return ""
}
