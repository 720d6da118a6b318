package format

import (
	"encoding/base64"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// javaProperties reads contents, a line each in base64, and writes what Properties make of each: "err" or
// "ok" and the pairs in the order of their keys.
const javaProperties = `
import java.io.StringReader;
import java.nio.file.*;
import java.util.*;

public class Read {
    static String encode(String s) throws Exception { return Base64.getEncoder().encodeToString(s.getBytes("UTF-8")); }
    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            Properties p = new Properties();
            StringBuilder out = new StringBuilder("ok");
            try {
                p.load(new StringReader(new String(Base64.getDecoder().decode(line), "UTF-8")));
                List<String> pairs = new ArrayList<>();
                for (String k : p.stringPropertyNames()) pairs.add(" " + encode(k) + "=" + encode(p.getProperty(k)));
                Collections.sort(pairs);
                for (String s : pairs) out.append(s);
            } catch (IllegalArgumentException e) {
                out = new StringBuilder("err");
            }
            System.out.println(out);
        }
    }
}`

// TestPropertiesAreReadAsJavaReadsThem compares with java.util.Properties, on contents that are made
// of what is special in the format. An escape \u that goes on in the next line is an error here alone.
func TestPropertiesAreReadAsJavaReadsThem(t *testing.T) {
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("THERE IS NO java: what it makes of properties is not compared")
	}
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "b", "=", ":", " ", "\t", "\n", "\r", "\\", "\\\n", "#", "!", `\u0041`, `\u0g`, "中", "\f", `\t`, "x"}
	var texts, input []string
	for range 20_000 {
		s := ""
		for range 1 + r.IntN(14) {
			s += parts[r.IntN(len(parts))]
		}
		texts, input = append(texts, s), append(input, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	dir := t.TempDir()
	source, data := filepath.Join(dir, "Read.java"), filepath.Join(dir, "input")
	for name, text := range map[string]string{source: javaProperties, data: strings.Join(input, "\n")} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), java, source, data).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "jdk.compiler") {
			t.Skip("THIS java HAS NO COMPILER: what it makes of properties is not compared")
		}
		t.Fatalf("%v: %.500s", err, out)
	}
	for i, want := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		if strings.HasSuffix(texts[i], "\\\r\n") {
			continue // Java makes a pair of a backslash before an LF at the end, but not before CR and LF
		}
		if got := asJavaWrites(texts[i]); got != want {
			t.Errorf("%q: got %s, Java has %s", texts[i], got, want)
		}
	}
}

func asJavaWrites(text string) string {
	pairs, err := Flatten(Properties, []byte(text))
	if err != nil {
		return "err"
	}
	last := make(map[string]string)
	for _, p := range pairs {
		last[p.Key] = p.Value
	}
	var out []string
	for k, v := range last {
		out = append(out, " "+base64.StdEncoding.EncodeToString([]byte(k))+"="+base64.StdEncoding.EncodeToString([]byte(v)))
	}
	slices.Sort(out)
	return "ok" + strings.Join(out, "")
}
