package cli

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/server/resource"
)

// maxFile is the size in bytes above which a file is left out without being read: no server takes so much.
const maxFile = 64 << 20

// sourceItem is a configuration that a source has.
type sourceItem struct {
	transfer.Attributes
	// Path is where it stands in the source.
	Path string
	Size int64
	MD5  string
}

// leftOut is a part of a source that is not imported.
type leftOut struct {
	Path string
	// Kind groups equal reasons for the summary; Text is the reason in full.
	Kind, Text string
}

// source is what an import reads: a folder or a ZIP.
type source interface {
	// content returns the content of item i. It fails when that changed since the source was read.
	content(i int) ([]byte, error)
	close() error
}

// contents is what reading a source through found.
type contents struct {
	source
	items   []sourceItem
	leftOut []leftOut
	// note says, if anything, how the source was understood.
	note string
}

// openSource reads the ZIP or folder at path through. rootGroup is nil when the user named none.
func openSource(path string, rootGroup *string) (*contents, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Usage("%s can't be read: %v", path, cause(err))
	}
	switch {
	case info.IsDir():
		return readFolder(path, rootGroup)
	case !info.Mode().IsRegular():
		return nil, Usage("%s is neither a ZIP nor a folder", path)
	case rootGroup != nil:
		return nil, Usage("--root-group goes with a folder; in a ZIP every group has a folder")
	}
	return readZIP(path, info.Size())
}

// cause returns the reason of a file error without operation and path, which the message has already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

type zipSource struct {
	file    *os.File
	archive *transfer.Archive
}

func readZIP(path string, size int64) (*contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Usage("%s can't be read: %v", path, cause(err))
	}
	// The limits of a server do not bind who reads his own file.
	a, err := transfer.Open(f, size, transfer.Limits{MaxEntries: 1 << 20, MaxUnpacked: 16 << 30, MaxContent: maxFile})
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %s", path, fault.TextOf(err))
	}
	c := &contents{source: &zipSource{f, a}}
	for _, it := range a.Items {
		c.items = append(c.items, sourceItem{Attributes: it.Attributes, Path: it.Name.String(), Size: it.Size, MD5: it.MD5})
	}
	for _, u := range a.Unrecognized {
		c.leftOut = append(c.leftOut, unrecognized(u))
	}
	return c, nil
}

func unrecognized(u transfer.Unrecognized) leftOut {
	switch u.Reason {
	case transfer.NotTwoParts:
		return leftOut{u.Item, "not of the form group/dataId", "its path is not group/dataId"}
	case transfer.NotInMetadata:
		return leftOut{u.Item, "not in the metadata", "the metadata do not list it"}
	case transfer.NotInFile:
		return leftOut{u.Item, "only in the metadata", "the metadata list it, but the ZIP does not have it"}
	case transfer.Duplicate:
		return leftOut{u.Item, "replaced by a later entry of the same name", "a later entry has the same name"}
	}
	return leftOut{u.Item, "no configuration can be made of", u.Text}
}

func (z *zipSource) content(i int) ([]byte, error) { return z.archive.Content(i) }

func (z *zipSource) close() error { return z.file.Close() }

type folderSource struct {
	root *os.Root
	*contents
}

// folderReading is the reading of one folder under way.
type folderReading struct {
	contents
	root     *os.Root
	layout   transfer.Layout
	metadata *transfer.Metadata
	paths    []string
}

func readFolder(path string, rootGroup *string) (*contents, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, Usage("%s can't be read: %v", path, cause(err))
	}
	r := &folderReading{root: root}
	if err := r.walk(path); err != nil {
		root.Close()
		return nil, err
	}
	if err := r.choose(rootGroup); err != nil {
		root.Close()
		return nil, err
	}
	for _, p := range r.paths {
		r.add(p)
	}
	slices.SortStableFunc(r.leftOut, func(a, b leftOut) int { return strings.Compare(a.Path, b.Path) })
	r.source = &folderSource{root, &r.contents}
	return &r.contents, nil
}

func (r *folderReading) leave(path, kind, format string, args ...any) {
	r.leftOut = append(r.leftOut, leftOut{path, kind, fmt.Sprintf(format, args...)})
}

// walk lists the folder. Names may be any bytes, which package fs would not take.
func (r *folderReading) walk(path string) error {
	top, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Usage("%s can't be read: %v", path, cause(err))
	}
	return filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(top, p)
		if relErr != nil {
			return relErr
		}
		return r.visit(filepath.ToSlash(rel), d, err)
	})
}

// visit collects regular files; everything else is left out with its reason.
func (r *folderReading) visit(path string, d fs.DirEntry, err error) error {
	switch {
	case err != nil && path == ".":
		return fmt.Errorf("the folder can't be read: %w", cause(err))
	case err != nil:
		r.leave(path, "not readable", "%v", cause(err))
		if d != nil && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case d.IsDir():
		if name := d.Name(); name == ".git" || name == ".hg" || name == ".svn" {
			r.leave(path, "of version control", "it belongs to version control")
			return fs.SkipDir
		}
		return nil
	case d.Type()&fs.ModeSymlink != 0:
		r.leave(path, "symbolic link", "it is a symbolic link")
	case !d.Type().IsRegular():
		r.leave(path, "special file", "it is a %s", kindOf(d.Type()))
	default:
		r.paths = append(r.paths, path)
	}
	return nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// choose decides on the layout. A folder with metadata, or with files in a folder DEFAULT_GROUP, is
// an unpacked ZIP of Nacos', where every group has a folder.
func (r *folderReading) choose(rootGroup *string) error {
	if rootGroup != nil {
		if err := resource.CheckName(resource.FieldGroup, *rootGroup); err != nil {
			return Usage("--root-group: %v", err)
		}
		r.layout.RootGroup = *rootGroup
	} else {
		r.layout.RootGroup = resource.DefaultGroup
		for _, p := range r.paths {
			rest, within := strings.CutPrefix(p, resource.DefaultGroup+"/")
			if transfer.IsMetadata(p) || within && !strings.Contains(rest, "/") {
				r.layout.RootGroup = ""
				r.note = fmt.Sprintf("every group has a folder, as in Nacos' ZIP: there is %s", p)
				break
			}
		}
	}
	if r.layout.RootGroup != "" {
		return nil
	}
	for _, p := range r.paths {
		if !transfer.IsMetadata(p) {
			continue
		}
		f, err := r.root.Open(p)
		if err != nil {
			return fmt.Errorf("%s can't be read: %w", p, cause(err))
		}
		r.metadata, err = transfer.ParseMetadata(p, f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %s", p, fault.TextOf(err))
		}
		return nil
	}
	return nil
}

// add reads a file through and adds it as an item, or as left out.
func (r *folderReading) add(path string) {
	if r.layout.RootGroup == "" && transfer.IsMetadata(path) {
		if r.metadata == nil {
			r.leave(path, "metadata", "there are other metadata")
		}
		return
	}
	name, err := r.layout.Key(path)
	if err != nil {
		r.leave(path, "without a name", "%v", err)
		return
	}
	content, why := readText(r.root, path)
	if why != nil {
		r.leave(path, why.Kind, "%s", why.Text)
		return
	}
	it := sourceItem{
		Attributes: transfer.Attributes{Name: name, Type: transfer.FileTypeOf(path)},
		Path:       path, Size: int64(len(content)), MD5: digest(content),
	}
	if r.metadata != nil {
		r.metadata.Describe(&it.Attributes)
	}
	r.items = append(r.items, it)
}

// readText reads a file; the reason is not nil when its content can't be that of a configuration.
func readText(root *os.Root, path string) ([]byte, *leftOut) {
	// Without blocking: what was a file when the folder was listed may be a pipe now.
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &leftOut{path, "not readable", cause(err).Error()}
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, &leftOut{path, "not readable", cause(err).Error()}
	case !info.Mode().IsRegular():
		return nil, &leftOut{path, "special file", "it is no file any more"}
	case info.Size() > maxFile:
		return nil, &leftOut{path, "too large", fmt.Sprintf("it has %d bytes, at most %d are allowed", info.Size(), maxFile)}
	}
	content, err := readAll(f, info.Size())
	if err != nil {
		return nil, &leftOut{path, "not readable", cause(err).Error()}
	}
	if len(content) > maxFile {
		return nil, &leftOut{path, "too large", fmt.Sprintf("it has more than %d bytes", maxFile)}
	}
	if why := transfer.CheckText(content); why != "" {
		kind := "not UTF-8"
		if why == transfer.BlankText {
			kind = "blank"
		}
		return nil, &leftOut{path, kind, why}
	}
	return content, nil
}

// readAll reads a file of about size bytes, at most a little more than maxFile.
func readAll(f *os.File, size int64) ([]byte, error) {
	b := make([]byte, 0, size+1)
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) > maxFile:
			return b, nil
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

func digest(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

func (s *folderSource) content(i int) ([]byte, error) {
	it := &s.items[i]
	content, why := readText(s.root, it.Path)
	if why != nil {
		return nil, errors.New(why.Text)
	}
	if digest(content) != it.MD5 {
		return nil, errors.New("the file was changed since the import began")
	}
	return content, nil
}

func (s *folderSource) close() error { return s.root.Close() }

// display returns path for people: without control characters, which a file's name may have.
func display(path string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(path, "\uFFFD"))
}
