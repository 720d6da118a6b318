package format

import (
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"
)

// TestTablesAreTakenAsTheLibraryTakesThem draws contents of headers and keys from few names, so that
// they meet, and compares what is said of them with the library's decoder.
func TestTablesAreTakenAsTheLibraryTakesThem(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b", "c"})
	path := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(name, 1, 4).Draw(t, "path"), ".") })
	value := rapid.SampledFrom([]string{"1", "'x'", "[]", "{}", "{a = 1}", "{b.c = 1, b.a = 2}", "{a = {b = 1}, a.c = 2}", "[{a = 1}, {a = 1, a = 2}]", "[{}]"})
	line := rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return "[" + path.Draw(t, "table") + "]"
		case 1:
			return "[[" + path.Draw(t, "tables") + "]]"
		default:
			return path.Draw(t, "key") + " = " + value.Draw(t, "value")
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(line, 1, 6).Draw(t, "lines"), "\n")
		var v map[string]any
		err := toml.Unmarshal([]byte(text), &v)
		if got := Check(TOML, []byte(text)); len(got) > 0 != (err != nil) {
			t.Fatalf("%s\nis said to be %v, by the library %v", text, got, err)
		}
	})
}

func TestNumbersAndDatesAreTakenAsTheLibraryTakesThem(t *testing.T) {
	part := rapid.SampledFrom([]string{"0", "1", "12", "2024", "-", "+", "_", ".", "e", "E", "0x", "0b", "0o", "f", "7", "8", ":", "T", "t", " ", "Z", "z", "inf", "nan", "2024-02-29", "2023-02-29", "12:30", "12:30:60", "23:59:59", "24:00:00", "+05:30", "9223372036854775807", "9"})
	rapid.Check(t, func(t *rapid.T) {
		text := "a = " + strings.Join(rapid.SliceOfN(part, 1, 5).Draw(t, "parts"), "")
		var v map[string]any
		err := toml.Unmarshal([]byte(text), &v)
		if got := Check(TOML, []byte(text)); len(got) > 0 != (err != nil) {
			t.Fatalf("%s\nis said to be %v, by the library %v", text, got, err)
		}
	})
}
