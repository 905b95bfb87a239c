# Sourced by run.ps1 and test.ps1: the settings of environment/env.sh that matter beside glibc, and the build.
$PatchKitHome = Split-Path $PSScriptRoot

# Threads. Those that wait spin by default and take the cores from whatever comes next.
if (-not $env:OMP_WAIT_POLICY) { $env:OMP_WAIT_POLICY = 'PASSIVE' }
if (-not $env:OMP_NUM_THREADS) { $env:OMP_NUM_THREADS = [Environment]::ProcessorCount }
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_NOLOGO = '1'

# Arguments go as one array: PowerShell would take some of them for its own.
function Invoke-Checked([string] $program, [string[]] $arguments) {
    & $program @arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

# A build, quiet unless it fails. Compilers do not stay behind.
function Invoke-Build([string] $project) {
    $said = & dotnet build (Join-Path $PatchKitHome $project) -c Release -v quiet --nologo -nodeReuse:false `
        -p:UseSharedCompilation=false
    if ($LASTEXITCODE -ne 0) {
        $said | Where-Object { $_ -match 'error' } | Sort-Object -Unique | Select-Object -First 20
        Write-Error "$project was not built."
    }
}

# Fills bin/. Where environment/setup.sh can do it, that builds lib/Native, too.
function Build-PatchKit {
    if (-not (Get-Command dotnet -ErrorAction Ignore)) {
        Write-Error 'The .NET 10 SDK is missing: install it from https://dotnet.microsoft.com/download/dotnet/10.0.'
    }
    if ($IsLinux -and (Test-Path (Join-Path $PatchKitHome 'build/publish/listing'))) {
        Invoke-Checked bash @((Join-Path $PSScriptRoot 'setup.sh'))
        return
    }
    Write-Output 'Building the C# projects.'
    Invoke-Build PatchKit.csproj
    Invoke-Build environment/kernel/csnotebook.csproj
}

# Runs a program in bin/.
function Invoke-Program([string] $assembly, [string[]] $arguments) {
    $env:PATCHKIT_LAUNCHER = '1'
    Invoke-Checked dotnet (@(Join-Path $PatchKitHome "bin/$assembly.dll") + $arguments)
}
