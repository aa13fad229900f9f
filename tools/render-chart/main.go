// Renders a chart's templates the way Helm does for the constructs we use, without a cluster and without Helm:
// text/template, sprig's functions, and the handful that Helm adds. Usage: render-chart CHART VALUES.yaml [VALUES.yaml …]
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/ghodss/yaml"
)

type files struct{ folder string }

func (f files) Get(name string) string {
	content, err := os.ReadFile(filepath.Join(f.folder, name))
	stop(err)
	return string(content)
}

func main() {
	folder, values := os.Args[1], map[string]interface{}{}
	for _, file := range os.Args[2:] {
		overlay(values, read(file))
	}
	chart := read(filepath.Join(folder, "Chart.yaml"))
	names, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	stop(err)
	sort.Strings(names)

	all := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	functions["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		stop(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf(message)
		}
		return value, nil
	}
	all.Funcs(functions)
	for _, name := range names {
		content, err := os.ReadFile(name)
		stop(err)
		_, err = all.New(filepath.Base(name)).Parse(string(content))
		stop(err)
	}
	upper := map[string]interface{}{"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]}
	data := map[string]interface{}{
		"Values": values, "Chart": upper, "Files": files{folder},
		"Release": map[string]interface{}{"Name": "test", "Namespace": "identity", "Service": "Helm"},
	}
	for _, name := range names {
		if base := filepath.Base(name); strings.HasSuffix(base, ".yaml") {
			fmt.Printf("---\n# Source: %s\n", base)
			stop(all.ExecuteTemplate(os.Stdout, base, data))
			fmt.Println()
		}
	}
}

func read(file string) map[string]interface{} {
	content, err := os.ReadFile(file)
	stop(err)
	values := map[string]interface{}{}
	stop(yaml.Unmarshal(content, &values))
	return values
}

func overlay(under, over map[string]interface{}) {
	for key, value := range over {
		inner, isMap := value.(map[string]interface{})
		below, wasMap := under[key].(map[string]interface{})
		if isMap && wasMap {
			overlay(below, inner)
		} else {
			under[key] = value
		}
	}
}

func stop(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
