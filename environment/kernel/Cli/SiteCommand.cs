using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using CsNotebook.Notebook;
using CsNotebook.Site;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook site</c>: a folder of executed notebooks as a static site.</summary>
internal static class SiteCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "The folder of the executed notebooks" };
        var target = new Option<DirectoryInfo>("--out")
        {
            Description = "Where to write the site; a site that is there is replaced",
            Required = true,
        };
        var title = new Option<string?>("--title")
        {
            Description = "The course's title (default: the heading of the project's README.md)",
        };
        var students = new Option<bool>("--students")
        {
            Description = "Without solutions and without the instructor's page",
        };
        var command = new Command(
            "site",
            "Write executed notebooks as a site that works offline: index, pages, recorded results, one plotly.js"
        )
        {
            folder,
            target,
            title,
            students,
        };
        command.SetAction(parsed =>
            Sentences.Guard(() =>
            {
                long begin = Stopwatch.GetTimestamp();
                string to = parsed.GetRequiredValue(target).FullName;
                var report = CourseSite.Build(
                    parsed.GetRequiredValue(folder).FullName,
                    to,
                    parsed.GetValue(title),
                    parsed.GetValue(students)
                );
                foreach (string link in report.Unlinked)
                    Console.Error.WriteLine($"No link any more, as there is no such file in the project: {link}");
                if (report.LacksPlotly)
                    Console.Error.WriteLine(
                        "There is no plotly.js here, so figures stay images; "
                            + "`npm install plotly.js-dist-min` in the project's folder brings it."
                    );
                Console.Error.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Path.Combine(to, "index.html")}: {report.Notebooks} notebooks, {report.Files} files, "
                            + $"{report.Bytes / 1e6:0.0} MB, {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s."
                    )
                );
                return 0;
            })
        );
        return command;
    }
}
