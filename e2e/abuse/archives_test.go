package abuse

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const metadataV2 = ".metadata.yml"

// importZIP sends an archive to one of the versions.
func (a *target) importZIP(version string, archive []byte) (int, string) {
	a.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, _ := w.CreateFormFile("file", "a.zip")
	_, _ = f.Write(archive)
	w.Close()
	path := map[string]string{"v1": "/nacos/v1/cs/configs?import=true&namespace=", "v3": "/nacos/v3/admin/cs/config/import?namespaceId=public"}[version]
	return a.do(a.request("POST", path, w.FormDataContentType(), &b))
}

// entry is one of a ZIP. A size above zero says how many zeros it has instead of a text.
type entry struct {
	name, text string
	size       int64
}

func zipOf(entries ...entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate})
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(f, e.text)
		_, _ = io.CopyN(f, zeros{}, e.size)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// metadata lists configurations in the second form.
func metadata(names ...string) entry {
	var b strings.Builder
	b.WriteString("metadata:\n")
	for _, n := range names {
		group, dataID, _ := strings.Cut(n, "/")
		fmt.Fprintf(&b, "- dataId: %q\n  group: %q\n  type: text\n", dataID, group)
	}
	return entry{name: metadataV2, text: b.String()}
}

// liar has an entry that unpacks to much more than its directory says.
func liar(says uint64, size int64) []byte {
	var packed, b bytes.Buffer
	c, _ := flate.NewWriter(&packed, flate.BestSpeed)
	_, _ = io.CopyN(c, zeros{}, size)
	c.Close()
	w := zip.NewWriter(&b)
	m, _ := w.Create(metadataV2)
	_, _ = io.WriteString(m, metadata("g/liar").text)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "g/liar", Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: says})
	if err != nil {
		panic(err)
	}
	_, _ = f.Write(packed.Bytes())
	w.Close()
	return b.Bytes()
}

func TestHostileArchivesAreRefusedAndImportNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a := attacked(t, 900<<20)
	before := a.configs()
	good := zipOf(metadata("g/a", "g/b"), entry{name: "g/a", text: strings.Repeat("abc\n", 1000)}, entry{name: "g/b", text: "b"})
	flipped := slices.Clone(good)
	flipped[bytes.Index(good, []byte("g/a"))+10] ^= 0x55
	var many, wide []entry
	for i := range 110_000 {
		many = append(many, entry{name: fmt.Sprintf("g/%d", i)})
	}
	for i := range 60 {
		wide = append(wide, entry{name: fmt.Sprintf("g/w%d", i), text: "x", size: 9 << 20})
	}
	var wideNames []string
	for _, e := range wide {
		wideNames = append(wideNames, e.name)
	}
	for name, archive := range map[string][]byte{
		"an entry of 300 MiB":              zipOf(metadata("g/huge"), entry{name: "g/huge", text: "x", size: 300 << 20}),
		"metadata of 300 MiB":              zipOf(entry{name: metadataV2, text: "metadata: #", size: 300 << 20}, entry{name: "g/a", text: "a"}),
		"metadata that grow by aliases":    zipOf(entry{name: metadataV2, text: billionLaughs()}, entry{name: "g/a", text: "a"}),
		"metadata that nest deeply":        zipOf(entry{name: metadataV2, text: strings.Repeat("[", 200_000)}),
		"more entries than are allowed":    zipOf(many...),
		"more bytes than are allowed":      zipOf(append(wide, metadata(wideNames...))...),
		"an entry that lies":               liar(10, 300<<20),
		"an entry that lies the other way": liar(1<<40, 10),
		"cut in its directory":             good[:len(good)-30],
		"cut in an entry":                  good[:60],
		"a flipped byte":                   flipped,
		"no ZIP":                           []byte("\x7fELF this is not a ZIP"),
		"nothing":                          nil,
		"only the first bytes":             []byte("PK\x03\x04"),
		"an empty ZIP":                     zipOf(),
		"paths upwards":                    zipOf(metadata("../up", "..", "g/.."), entry{name: "../up", text: "x"}, entry{name: "g/../../up", text: "x"}, entry{name: "g/..", text: "x"}),
		"absolute paths":                   zipOf(metadata("/abs", "/tmp/abs"), entry{name: "/abs", text: "x"}, entry{name: "/tmp/abs", text: "x"}, entry{name: `C:\abs\x`, text: "x"}, entry{name: `..\up/x`, text: "x"}),
		"names with odd bytes":             zipOf(metadata("g/a"), entry{name: "g/\x00", text: "x"}, entry{name: "g/\xff", text: "x"}, entry{name: "g/ x", text: "x"}, entry{name: strings.Repeat("g", 60_000) + "/x", text: "x"}),
	} {
		for _, version := range []string{"v1", "v3"} {
			status, body := a.importZIP(version, archive)
			// Nacos answers a transfer that came to nothing with 200 and a code, or with a report of what it left.
			said := status == 400 || status == 413 || status == 200 && (strings.Contains(body, `"code":1000`) || strings.Contains(body, `"unrecognizedCount":`) && strings.Contains(body, `"succCount":0`))
			if !said || strings.Contains(body, "panic") {
				t.Errorf("%s, %s: %d %.300q", version, name, status, body)
			}
			if now := a.configs(); now != before {
				t.Fatalf("%s, %s: it made %d configurations: %.300q", version, name, now-before, body)
			}
		}
	}
	for _, place := range []string{filepath.Join(a.Dir, ".."), a.Dir, "/", "/tmp"} {
		for _, name := range []string{"up", "abs"} {
			if _, err := os.Stat(filepath.Join(place, name)); err == nil {
				t.Errorf("an import wrote the file %s", filepath.Join(place, name))
			}
		}
	}
	// Parts that are too large for memory go through files, which must not stay: whole, cut off by the client, and damaged.
	const boundary = "bound"
	part := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.zip\"\r\n\r\nPK\x03\x04" + strings.Repeat("x", 24<<20)
	head := "POST /nacos/v3/admin/cs/config/import HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=" + boundary + "\r\nContent-Length: %d\r\n\r\n"
	if status, body := a.importZIP("v3", []byte("PK\x03\x04"+strings.Repeat("x", 24<<20))); status != 200 || !strings.Contains(body, `"code":1000`) {
		t.Errorf("a large file that is no ZIP: %d %.300q", status, body)
	}
	if status, body, err := a.raw([]byte(fmt.Sprintf(head, len(part)) + part)); err != nil || status != 400 && !strings.Contains(body, `"code":1000`) {
		t.Errorf("a part without its end: %d %.300q %v", status, body, err)
	}
	c := a.dial()
	_, _ = io.WriteString(c, fmt.Sprintf(head, len(part)+1000)+part)
	c.Close()
	if err := until(func() error {
		if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
			return fmt.Errorf("uploads left %d files behind, one is %s", len(left), left[0].Name())
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if status, body := a.importZIP("v3", good); status != 200 || !strings.Contains(body, `"succCount":2`) {
		t.Errorf("a good archive afterwards: %d %.300q", status, body)
	}
}

func billionLaughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	b.WriteString("metadata: *a11\n")
	return b.String()
}
