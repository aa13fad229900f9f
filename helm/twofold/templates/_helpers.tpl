{{- define "twofold.name" -}}
{{- if contains "twofold" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-twofold{{ end -}}
{{- end -}}

{{- define "twofold.selector" -}}
app.kubernetes.io/name: twofold
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "twofold.labels" -}}
{{ include "twofold.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "twofold.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end -}}

{{- define "twofold.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "twofold.name" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end -}}
{{- end -}}

{{- define "twofold.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "twofold.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* What the service and the migration have in common: where their settings and secrets come from. */}}
{{- define "twofold.environment" -}}
- { name: NODE_ENV, value: production }
- { name: ISSUER, value: {{ required "issuer must be given" .Values.issuer | quote }} }
- { name: DATABASE_URL_FILE, value: /secrets/database-url }
- { name: REDIS_URL_FILE, value: /secrets/redis-url }
- { name: ENCRYPTION_KEYS_FILE, value: /secrets/encryption-keys }
- { name: COOKIE_KEYS_FILE, value: /secrets/cookie-keys }
{{- if .Values.secrets.keys.databaseMigrationUrl }}
- { name: DATABASE_MIGRATION_URL_FILE, value: /secrets/database-migration-url }
{{- end }}
{{- if .Values.trustedProxies }}
- { name: TRUSTED_PROXIES, value: {{ join "," .Values.trustedProxies | quote }} }
{{- end }}
- { name: TWOFOLD_METRICS_PORT, value: {{ .Values.metrics.port | quote }} }
{{- if .Values.settingsFile }}
- { name: TWOFOLD_CONFIG, value: /settings/twofold.yaml }
{{- end }}
{{- range $name, $value := .Values.settings }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end -}}

{{- define "twofold.mounts" -}}
- { name: secrets, mountPath: /secrets, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if .Values.settingsFile }}
- { name: settings, mountPath: /settings, readOnly: true }
{{- end }}
{{- end -}}

{{- define "twofold.volumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
- name: secrets
  secret:
    secretName: {{ required "secrets.name must name a Secret" .Values.secrets.name }}
    defaultMode: 0440
    items:
      - { key: {{ .Values.secrets.keys.databaseUrl }}, path: database-url }
      - { key: {{ .Values.secrets.keys.redisUrl }}, path: redis-url }
      - { key: {{ .Values.secrets.keys.encryptionKeys }}, path: encryption-keys }
      - { key: {{ .Values.secrets.keys.cookieKeys }}, path: cookie-keys }
      {{- if .Values.secrets.keys.databaseMigrationUrl }}
      - { key: {{ .Values.secrets.keys.databaseMigrationUrl }}, path: database-migration-url }
      {{- end }}
      {{- if .Values.settingsFile }}
- name: settings
  configMap: { name: {{ include "twofold.name" . }} }
{{- end }}
{{- end -}}
