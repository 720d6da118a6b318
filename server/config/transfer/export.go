package transfer

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"nacre/server/config"
)

// Form is how an exported archive says what a content alone does not.
type Form uint8

// The forms.
const (
	// FormV1 names the applications, in .meta.yml, if there are any.
	FormV1 Form = iota + 1
	// FormV2 describes every configuration in .metadata.yml, its tags included.
	FormV2
	// FormV3 is FormV2 without tags, as Nacos' v3 API exports.
	FormV3
)

// Selection says what to export. With IDs, all else is ignored.
type Selection struct {
	// Namespace is canonical.
	Namespace string
	// DataID is a pattern as in config.Filter; Group and AppName are exact. Empty ones do not restrict.
	DataID  string
	Group   string
	AppName string
	IDs     []int64
}

// Select returns the configurations to export, ordered by their ids. Contents are shared with memory, not copied.
func (s *Service) Select(ctx context.Context, sel Selection) ([]*config.Entry, error) {
	if len(sel.IDs) > 0 {
		return s.byIDs(ctx, sel.IDs)
	}
	page, err := s.configs.List(ctx, config.Filter{
		Namespace: sel.Namespace, DataID: sel.DataID, Group: sel.Group, AppName: sel.AppName, PageNo: 1, PageSize: math.MaxInt32,
	})
	if err != nil {
		return nil, err
	}
	kept := page.Items[:0]
	for _, e := range page.Items {
		if sel.Group == "" || e.Key.Group == sel.Group {
			kept = append(kept, e)
		}
	}
	return s.held(kept), nil
}

// FileName returns the name that Nacos gives an archive which is exported at a time.
func FileName(at time.Time) string {
	return "nacos_config_export_" + at.Format("20060102150405") + ".zip"
}

// Write writes the configurations as an archive to w, one after the other. Those that can't be in one
// archive are left out and returned: a second one of the same group and dataId (selected by id from
// several namespaces), and parts that are "." or "..", which would lead out of the folder they are unpacked to.
func Write(w io.Writer, entries []*config.Entry, form Form) (leftOut []config.Key, err error) {
	z := zip.NewWriter(w)
	written := make(map[Name]bool, len(entries))
	var metadata []byte
	for _, e := range entries {
		n := Name{e.Key.Group, e.Key.DataID}
		if written[n] || dots(n.Group) || dots(n.DataID) {
			leftOut = append(leftOut, e.Key)
			continue
		}
		written[n] = true
		if err := writeEntry(z, n.String(), e.Content, e.ModifiedMs); err != nil {
			return leftOut, err
		}
		switch {
		case form != FormV1:
			metadata = appendMetadata(metadata, e, form == FormV2)
		case e.AppName != "" && !strings.ContainsAny(e.AppName, "=\r\n"): // those the form can't say
			metadata = append(metadata, appKey(n)+"="+e.AppName+"\r\n"...)
		}
	}
	switch {
	case form != FormV1 && len(metadata) == 0:
		err = writeEntry(z, metadataV2, []byte("metadata: []\n"), 0)
	case form != FormV1:
		err = writeEntry(z, metadataV2, append([]byte("metadata:\n"), metadata...), 0)
	case len(metadata) > 0:
		err = writeEntry(z, metadataV1, metadata, 0)
	}
	if err != nil {
		return leftOut, err
	}
	return leftOut, z.Close()
}

func writeEntry(z *zip.Writer, name string, content []byte, modifiedMs int64) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	if modifiedMs > 0 {
		h.Modified = time.UnixMilli(modifiedMs).UTC()
	}
	out, err := z.CreateHeader(h)
	if err == nil {
		_, err = out.Write(content)
	}
	if err != nil {
		return fmt.Errorf("write %s into the ZIP: %w", name, err)
	}
	return nil
}
