// Package static holds the stylesheet, scripts and pictures of the console, as built from src into
// dist. Names carry a hash of the content, so that browsers may keep them for ever.
package static

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
)

// Prefix is the path under which the server must serve the files.
const Prefix = "/static/"

//go:embed dist
var files embed.FS

var manifest = readManifest()

func readManifest() map[string]string {
	b, err := files.ReadFile("dist/manifest.json")
	if err != nil {
		panic(err) // the build is broken: dist is part of the source tree
	}
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		panic(fmt.Errorf("static/dist/manifest.json: %w", err))
	}
	return m
}

// URL returns the path at which the file that src calls name is served. It panics when there is
// none, as that can only be a mistake in the source.
func URL(name string) string {
	hashed, ok := manifest[name]
	if !ok {
		panic("static: no file " + name)
	}
	return Prefix + hashed
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
}

// File returns the file served at Prefix+name and its content type.
func File(name string) (content []byte, contentType string, ok bool) {
	contentType, ok = contentTypes[path.Ext(name)]
	if !ok {
		return nil, "", false
	}
	content, err := files.ReadFile("dist/" + path.Base(name))
	return content, contentType, err == nil
}
